"""A node: private namespaces that die with their maker, a bridge, and a state folder."""

import fcntl
import os
import secrets
import shutil
import subprocess
import threading

from . import cgroups, paths

_TAG_PREFIX = "1ead"  # with four digits more, the first part of every uid in the cluster
_READY_TIMEOUT_S = 10
_COMMAND_TIMEOUT_S = 30
_DOWN_TIMEOUT_S = 10


class NodeError(RuntimeError):
    pass


class Node:
    """`up()`, `run()`, `down()`. A killed owner leaves nothing but a state folder."""

    def __init__(self):
        self.tag = None
        self.dir = None
        self.pid = None  # of the node's pid 1, as the host sees it
        self._supervisor = None
        self._reader = None
        self._lock_file = None
        self._users_file = None
        self._on_exit = None

    def up(self, on_exit=lambda pid, status: None):
        """`on_exit(pid, status)` is called for every process that the node's pid 1 reaps."""
        self._on_exit = on_exit
        sweep()
        self._users_file = _share_parents()
        self._claim_state()
        self._supervisor = subprocess.Popen(
            [paths.node_init(), self.dir, self.tag],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        ready = self._supervisor.stdout.readline().split()
        if len(ready) != 2 or ready[0] != b"ready":
            code = self._supervisor.wait(_READY_TIMEOUT_S)
            raise NodeError(f"{paths.node_init()} ended with {code}")
        self.pid = int(ready[1])
        self._reader = threading.Thread(
            target=self._read_exits, args=(self._supervisor.stdout,), name="node-exits", daemon=True
        )
        self._reader.start()
        self.run(
            ["ip", "-batch", "-"],
            stdin="\n".join(
                [
                    "link set lo up",
                    "link add cni0 type bridge",
                    "addr add 10.244.0.1/24 dev cni0",
                    "link set cni0 up",
                ]
            ),
        )

    def down(self):
        """Ends everything in the node and removes its groups and its state. Twice is fine."""
        code = self._stop_supervisor()
        if self.dir is not None:
            shutil.rmtree(self.dir, ignore_errors=True)
        for lock in (self._lock_file, self._users_file):
            if lock is not None:
                lock.close()
        self._lock_file = self._users_file = None
        _drop_parents()
        if code not in (None, 0):
            raise NodeError(f"node {self.tag}: the supervisor ended with {code}")

    def _stop_supervisor(self):
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return None
        supervisor.stdin.close()
        try:
            return supervisor.wait(_DOWN_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            return supervisor.wait()
        finally:
            if self._reader is not None:
                self._reader.join()
            supervisor.stdout.close()

    def run(self, args, stdin=None, check=True):
        """Runs a command in the node's namespaces and returns its output."""
        done = self._run(
            args,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if check and done.returncode != 0:
            raise NodeError(
                f"{' '.join(args[:6])}: {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done.stdout

    def run_logged(self, args, log):
        """As run(), with the output in a file, which what it leaves running keeps; the exit code."""
        return self._run(args, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode

    def _run(self, args, **options):
        command = ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-u", "-i", "--", *args]
        try:
            return subprocess.run(command, timeout=_COMMAND_TIMEOUT_S, check=False, **options)
        except subprocess.TimeoutExpired:
            raise NodeError(
                f"{' '.join(args[:6])}: not done within {_COMMAND_TIMEOUT_S} s"
            ) from None

    def _read_exits(self, lines):
        for line in lines:
            word, pid, status = line.split()
            if word == b"exit":
                self._on_exit(int(pid), int(status))

    def _claim_state(self):
        os.makedirs(paths.state_root(), exist_ok=True)
        while self.dir is None:
            self.tag = _TAG_PREFIX + secrets.token_hex(2)
            folder = os.path.join(paths.state_root(), self.tag)
            try:
                os.mkdir(folder)
            except FileExistsError:
                continue
            try:
                lock = open(os.path.join(folder, "lock"), "w", encoding="ascii")
            except FileNotFoundError:
                continue  # a sweep took the folder for a leftover before it was locked
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.exists(os.path.join(folder, "lock")):
                self.dir, self._lock_file = folder, lock
            else:
                lock.close()


def sweep():
    """Removes what killed clusters left: folders whose owner is gone, and their control groups."""
    root = paths.state_root()
    for tag in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        lock_path = os.path.join(root, tag, "lock")
        if not tag.startswith(_TAG_PREFIX):
            continue
        try:
            with open(lock_path, "r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                subprocess.run(
                    [paths.node_init(), "--sweep", tag], check=False, timeout=_DOWN_TIMEOUT_S
                )
                shutil.rmtree(os.path.join(root, tag), ignore_errors=True)
        except FileNotFoundError:
            continue  # just being made, or just being removed
        except BlockingIOError:
            continue  # in use


def _share_parents():
    """A shared lock that every running cluster holds on the groups that they have in common."""
    os.makedirs(paths.state_root(), exist_ok=True)
    users = open(os.path.join(paths.state_root(), "users"), "a", encoding="ascii")
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _drop_parents():
    with open(os.path.join(paths.state_root(), "users"), "a", encoding="ascii") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another cluster is up
        cgroups.remove_shared_parents()
