"""Containers by runc or crun: bundles, cgroups, start, signals and removal."""

import json
import os
import secrets
import shutil
import signal
import threading
import time

from . import cgroups

RUNTIMES = ("runc", "crun")


class RuntimeFailure(RuntimeError):
    pass


class Container:
    """One container; made by Runtime.start."""

    def __init__(self, container_id, runtime, cgroup, bundle):
        self.id = container_id
        self.runtime = runtime
        self.cgroup = cgroup  # path below each hierarchy's root
        self.bundle = bundle
        self.node_pid = None  # of its first process, in the node's pid namespace
        self.started_at = None
        self.finished_at = None
        self.wait_status = None
        self.removed = False

    @property
    def running(self):
        return self.wait_status is None

    @property
    def exit_code(self):
        if os.WIFSIGNALED(self.wait_status):
            return 128 + os.WTERMSIG(self.wait_status)
        return os.WEXITSTATUS(self.wait_status)

    def host_pid(self):
        """The first process as the host sees it; None when it is gone."""
        for pid in cgroups.members(self.cgroup):
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as f:
                    numbers = next(line for line in f if line.startswith("NSpid:")).split()[1:]
            except (OSError, StopIteration):
                continue
            # In the host's, the node's and the container's own namespace, where it has one.
            if len(numbers) >= 2 and int(numbers[1]) == self.node_pid:
                return pid
        return None

    def kill(self, signal_number):
        pid = self.host_pid()
        if pid is None:
            return
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            pass  # it has just ended


class Runtime:
    """Starts containers in one node. Any thread may call."""

    def __init__(self, node):
        self._node = node
        self._changed = threading.Condition()
        self._by_pid = {}
        self._early_exits = {}  # of processes whose pid we have not read yet
        self._listeners = {}

    def on_exit(self, pid, status):
        """For Node.up: a process of the node has ended."""
        with self._changed:
            container = self._by_pid.pop(pid, None)
            if container is None:
                self._early_exits[pid] = status
                return
            self._ended(container, status)

    def start(self, spec, runtime, cgroup, log_path, listener=None):
        """Runs the OCI `spec`; `listener(container)` is called from another thread when it ends."""
        container_id = secrets.token_hex(32)
        cgroup = cgroup(container_id)
        bundle = os.path.join(self._node.dir, "bundles", container_id)
        os.makedirs(bundle)
        spec["linux"]["cgroupsPath"] = cgroup
        with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as f:
            json.dump(spec, f)
        container = Container(container_id, runtime, cgroup, bundle)
        pid_file = os.path.join(bundle, "pid")
        with open(log_path, "ab") as log:
            code = self._node.run_logged(
                [
                    runtime,
                    "--root",
                    f"/run/{runtime}",
                    "run",
                    "-d",
                    "--bundle",
                    bundle,
                    "--pid-file",
                    pid_file,
                    container_id,
                ],
                log,
            )
        if code != 0:
            with open(log_path, encoding="utf-8", errors="replace") as log:
                raise RuntimeFailure(f"{runtime} run: {code}: {log.read()[-500:].strip()}")
        with open(pid_file, encoding="ascii") as f:
            container.node_pid = int(f.read())
        container.started_at = time.time()
        with self._changed:
            self._listeners[container.id] = listener
            early = self._early_exits.pop(container.node_pid, None)
            if early is not None:
                self._ended(container, early)
            else:
                self._by_pid[container.node_pid] = container
        return container

    def wait(self, container, timeout_s):
        with self._changed:
            return self._changed.wait_for(lambda: not container.running, timeout_s)

    def stop(self, containers, grace_s):
        """SIGTERM, then SIGKILL to those that are still there after grace_s."""
        for container in containers:
            if container.running:
                container.kill(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        for container in containers:
            if not self.wait(container, max(0, deadline - time.monotonic())):
                container.kill(signal.SIGKILL)
                self.wait(container, 10)

    def remove(self, container):
        """Deletes what is left of a container that has ended; twice is fine."""
        if container.removed:
            return
        container.removed = True
        self._node.run(
            [
                container.runtime,
                "--root",
                f"/run/{container.runtime}",
                "delete",
                "--force",
                container.id,
            ],
            check=False,
        )
        cgroups.remove(container.cgroup)
        shutil.rmtree(container.bundle, ignore_errors=True)

    def _ended(self, container, status):
        container.wait_status = status
        container.finished_at = time.time()
        listener = self._listeners.pop(container.id, None)
        self._changed.notify_all()
        if listener is not None:
            listener(container)
