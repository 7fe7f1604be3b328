"""What `./dev run` and `./dev demo` have in common: an orderly end however they are stopped, and a folder."""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM."""

    def __init__(self, signal_number):
        super().__init__(signal_number)
        self.signal_number = signal_number


def _stop(signal_number, _):
    # Whatever comes now must not break off the taking down.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise _Stopped(signal_number)


def main(name, run):
    """Exit code of run(): an error is a message, and Ctrl-C takes everything down at any time."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _stop)
    try:
        run()
    except _Stopped as e:
        return 128 + e.signal_number
    except (AssertionError, OSError, RuntimeError) as e:
        print(f"{name}: {e}", file=sys.stderr)
        return 1
    return 0


def wait_for_stop():
    """Until Ctrl-C or SIGTERM, which are an orderly end from here on."""
    try:
        while True:
            signal.pause()
    except _Stopped:
        print()


@contextlib.contextmanager
def folder(prefix):
    """A folder that is removed at the end; first those that killed runs left behind."""
    _sweep(prefix)
    path = tempfile.mkdtemp(prefix=prefix)
    try:
        with open(os.path.join(path, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sweep(prefix):
    root = tempfile.gettempdir()
    for name in os.listdir(root):
        path = os.path.join(root, name)
        if not name.startswith(prefix) or os.path.islink(path):
            continue
        try:
            with open(os.path.join(path, "lock"), "r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue  # in use, just being made, or not ours
