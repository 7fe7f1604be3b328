"""What a process has taken: CPU time, memory of its own, room on disk."""

import os
import threading
import time

_SAMPLE_S = 0.05
_CPU_CLOCK_OF_A_PROCESS = 2  # CPUCLOCK_SCHED, see clock_getcpuclockid


def cpu_s(pid):
    """User and system time of all its threads, those that have ended too, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK_OF_A_PROCESS)


def anonymous_bytes(pid):
    """Memory that is in no file: the heap and the stacks."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
    return 0


class Peak:
    """The most anonymous memory of a process, from now on; looked at twenty times a second."""

    def __init__(self, pid):
        self._pid = pid
        self._bytes = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                self._bytes = max(self._bytes, anonymous_bytes(self._pid))
            except (FileNotFoundError, ProcessLookupError):
                return
            if self._over.wait(_SAMPLE_S):
                return

    def take(self):
        """The peak since the last call."""
        peak, self._bytes = self._bytes, 0
        return peak

    def stop(self):
        self._over.set()
        self._thread.join()


def files(folder):
    for parent, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(parent, name)


def disk_bytes(folder):
    """Blocks that its files take, each once; what is removed meanwhile does not count."""
    total, seen = 0, set()
    for path in files(folder):
        try:
            stat = os.lstat(path)
        except FileNotFoundError:
            continue
        if stat.st_ino not in seen:
            seen.add(stat.st_ino)
            total += min(stat.st_size, stat.st_blocks * 512)
    return total


def forget(folder):
    """Drops a folder's files from the page cache."""
    for path in files(folder):
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
