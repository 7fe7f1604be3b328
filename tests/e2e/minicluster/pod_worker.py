"""One pod's life on the node: sandbox, containers, restarts, status, removal."""

import os
import queue
import threading
import time

from . import cgroups, paths, podspec
from .apiserver import ApiError
from .apiserver.resources import resource
from .oci import Mount, Security, oci_spec
from .volumes import Volumes

_POD = resource("Pod")
_SECRET = resource("Secret")
_FIRST_BACKOFF_S = 0.2
_MAX_BACKOFF_S = 300


def timestamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class _Slot:
    """A container of the specification, with the instance that runs or ran last.

    `kind`: "init", "sidecar" (an init container that is restarted), "app" or "ephemeral".
    """

    def __init__(self, spec, kind):
        self.spec = spec
        self.kind = kind
        self.instance = None
        self.last = None
        self.former = []  # instances before the last, where they are removed late
        self.restarts = 0
        self.restart_at = None
        self.error = None

    @property
    def name(self):
        return self.spec["name"]


class PodWorker(threading.Thread):
    """Told what happens by post(); the only one that touches its pod's containers."""

    def __init__(self, kubelet, pod):
        super().__init__(name=f"pod-{pod['metadata']['name']}", daemon=True)
        self.pod = pod
        self.uid = pod["metadata"]["uid"]
        self.sandbox = None
        self.dir = os.path.join(kubelet.node.dir, "pods", self.uid)
        self.slots = [
            _Slot(c, "sidecar" if c.get("restartPolicy") == "Always" else "init")
            for c in pod["spec"].get("initContainers", [])
        ]
        self.slots += [_Slot(c, "app") for c in pod["spec"]["containers"]]
        self._kubelet = kubelet
        self._inbox = queue.Queue()
        self._qos = podspec.qos_class(pod["spec"])
        self._style = podspec.cgroup_style_of(pod, kubelet.cgroup_style)
        self._runtime = podspec.runtime_of(pod, kubelet.default_runtime)
        self._host_network = bool(pod["spec"].get("hostNetwork"))
        self._netns = None
        self._ip = None
        self._volumes = None
        self._started_at = time.time()
        self._ended = False

    @property
    def cgroup(self):
        return cgroups.pod_path(self._style, self._qos, podspec.cgroup_uid(self.pod))

    def post(self, what, detail=None):
        self._inbox.put((what, detail))

    def slot(self, name):
        return next(s for s in self.slots if s.name == name)

    def log_path(self, name):
        return os.path.join(self.dir, f"{name}.log")

    # --- the life ---

    def run(self):
        grace_s = None
        try:
            node_root = f"/proc/{self._kubelet.node.pid}/root"
            self._volumes = Volumes(
                self.pod, os.path.join(self.dir, "volumes"), node_root, self._secret
            )
            self._report()
            self._start_sandbox()
            self._advance()
        except (RuntimeError, OSError) as e:
            for slot in self.slots:
                if slot.instance is None:
                    slot.error = str(e)
            self._report()
        while grace_s is None:
            what, detail = self._next()
            if what == "exit" and not podspec.removes_late(self.pod):
                # As a runtime does, so that the container's control group ends with it.
                self._kubelet.runtime.remove(detail)
            if what == "ephemeral":
                known = {s.name for s in self.slots}
                self.slots += [_Slot(c, "ephemeral") for c in detail if c["name"] not in known]
            if what == "delete":
                grace_s = detail
            elif what != "closed":
                self._advance()
            else:
                return
        self._remove(grace_s)

    def _next(self):
        while True:
            due = min((s.restart_at for s in self.slots if s.restart_at is not None), default=None)
            wait_s = 1.0 if due is None else max(0, min(1.0, due - time.monotonic()))
            try:
                return self._inbox.get(timeout=wait_s)
            except queue.Empty:
                if self._kubelet.store.closed:
                    return "closed", None
                if due is not None and time.monotonic() >= due:
                    return "restart", None

    def _start_sandbox(self):
        if self._host_network:
            self._ip = "10.244.0.1"
        else:
            self._netns, self._ip = self._kubelet.network.add(f"cni-{self.uid}")
        spec = self._spec(
            {"command": ["/bin/pause"]},
            "sandbox",
            {"network": self._netns, "pid": None, "ipc": None, "uts": None},
        )
        self.sandbox = self._kubelet.runtime.start(
            spec, self._runtime, self._container_cgroup, self.log_path("POD")
        )

    def _advance(self):
        """Starts what is due: init containers one after the other has succeeded, then the rest."""
        if self.sandbox is None or self._ended:
            return
        for slot in self.slots:
            if slot.instance is None and slot.error is None:
                self._start_slot(slot)
            elif slot.instance is not None and not slot.instance.running:
                self._after_exit(slot)
            if slot.kind == "sidecar" and slot.instance is None:
                break
            if slot.kind == "init" and (
                slot.instance is None or slot.instance.running or slot.instance.exit_code != 0
            ):
                break
        self._report()

    def _after_exit(self, slot):
        policy = self.pod["spec"].get("restartPolicy", "Always")
        failed = slot.instance.exit_code != 0
        if slot.kind == "init":
            again = failed and policy != "Never"
        elif slot.kind in ("sidecar", "ephemeral"):
            again = slot.kind == "sidecar"
        else:
            again = policy == "Always" or (policy == "OnFailure" and failed)
        if not again:
            return
        now = time.monotonic()
        if slot.restart_at is None:
            delay_s = (
                0
                if slot.restarts == 0
                else min(_MAX_BACKOFF_S, _FIRST_BACKOFF_S * 2**slot.restarts)
            )
            slot.restart_at = now + delay_s
        if now >= slot.restart_at:
            slot.restart_at = None
            slot.restarts += 1
            if slot.last is not None:
                slot.former.append(slot.last)
            slot.last, slot.instance = slot.instance, None
            self._start_slot(slot)

    def _start_slot(self, slot):
        shared = {t: f"/proc/{self.sandbox.node_pid}/ns/{t}" for t in ("ipc", "uts")}
        pids = {} if self.pod["spec"].get("hostPID") else {"pid": None}
        try:
            slot.instance = self._kubelet.runtime.start(
                self._spec(slot.spec, "container", {"network": self._netns, **pids, **shared}),
                self._runtime,
                self._container_cgroup,
                self.log_path(slot.name),
                lambda container: self.post("exit", container),
            )
        except (RuntimeError, OSError) as e:
            slot.error = str(e)

    def _spec(self, container, container_type, namespaces):
        if namespaces["network"] is None:
            del namespaces["network"]  # the node's
        root, entrypoint = self._kubelet.images.get(container.get("image"), (paths.rootfs(), []))
        annotations = {
            "io.kubernetes.cri.container-type": container_type,
            "io.kubernetes.cri.sandbox-name": self.pod["metadata"]["name"],
            "io.kubernetes.cri.sandbox-namespace": self.pod["metadata"]["namespace"],
            "io.kubernetes.cri.sandbox-uid": self.uid,
        }
        if "name" in container:
            annotations["io.kubernetes.cri.container-name"] = container["name"]
        return oci_spec(
            root,
            Security.of(self.pod["spec"], container),
            (container.get("command") or entrypoint) + (container.get("args") or []),
            self._environment(container),
            self._mounts(container),
            {"mount": None, **namespaces},
            podspec.oci_resources(container),
            self.pod["metadata"]["name"],
            annotations,
        )

    def _environment(self, container):
        account = self._account()
        variables = {
            **(account.environment if account else {}),
            **{
                e["name"]: podspec.environment_value(e, self.pod, self._ip)
                for e in container.get("env", [])
            },
        }
        return [f"{name}={value}" for name, value in variables.items()]

    def _mounts(self, container):
        mounts = [
            Mount(
                self._volumes.source(m["name"]),
                m["mountPath"],
                m.get("readOnly", False),
                m.get("mountPropagation", "None"),
            )
            for m in container.get("volumeMounts", [])
        ]
        if account := self._account():
            files = account.files(self.pod["metadata"]["namespace"])
            mounts.append(Mount(*self._volumes.service_account(files), read_only=True))
        if aliases := self.pod["spec"].get("hostAliases"):
            mounts.append(Mount(self._volumes.hosts(aliases), "/etc/hosts"))
        return mounts

    def _secret(self, name):
        return self._kubelet.store.get(_SECRET, self.pod["metadata"]["namespace"], name)

    def _account(self):
        """What the pod may ask the API server with; None for one that has not asked for it."""
        wanted = self.pod["spec"].get("automountServiceAccountToken", True)
        return self._kubelet.account if wanted else None

    def _container_cgroup(self, container_id):
        uid = podspec.cgroup_uid(self.pod)
        return cgroups.container_path(self._style, self._qos, uid, container_id)

    def _remove(self, grace_s):
        self._ended = True
        instances = [s.instance for s in self.slots if s.instance is not None]
        runtime = self._kubelet.runtime
        runtime.stop(instances, grace_s)
        self._report()
        if self.sandbox is not None:
            runtime.stop([self.sandbox], 2)
        removals = [
            threading.Thread(target=runtime.remove, args=(c,))
            for c in [
                self.sandbox,
                *instances,
                *[c for s in self.slots for c in [s.last, *s.former]],
            ]
            if c is not None
        ]
        for thread in removals:
            thread.start()
        for thread in removals:
            thread.join()
        cgroups.remove(self.cgroup)
        if self._netns:
            self._kubelet.network.remove(f"cni-{self.uid}", self._ip)
        self._kubelet.forget(self.uid)
        metadata = self.pod["metadata"]
        try:
            self._kubelet.store.delete(_POD, metadata["namespace"], metadata["name"], uid=self.uid)
        except ApiError:
            pass  # deleted by force, perhaps made anew under the same name
        # What the pod wrote stays for tests to read until the node goes down.

    # --- status ---

    def _report(self):
        status = self._status()
        metadata = self.pod["metadata"]

        def change(current):
            if current["metadata"]["uid"] != self.uid:
                return current
            current["status"] = {**current.get("status", {}), **status}
            return current

        try:
            self._kubelet.store.update(
                _POD, metadata["namespace"], metadata["name"], change, subresource="status"
            )
        except ApiError:
            pass  # deleted

    def _status(self):
        main = [s for s in self.slots if s.kind == "app"]
        ready = all(s.instance is not None and s.instance.running for s in main)
        status = {
            "phase": self._phase(main),
            "qosClass": self._qos,
            "hostIP": "10.244.0.1",
            "startTime": timestamp(self._started_at),
            "conditions": self._conditions(ready),
            "containerStatuses": [self._container_status(s) for s in main],
        }
        for field, kinds in (
            ("initContainerStatuses", ("init", "sidecar")),
            ("ephemeralContainerStatuses", ("ephemeral",)),
        ):
            slots = [s for s in self.slots if s.kind in kinds]
            if slots:
                status[field] = [self._container_status(s) for s in slots]
        if self._ip:
            status["podIP"] = self._ip
            status["podIPs"] = [{"ip": self._ip}]
        return status

    def _phase(self, main):
        if any(s.instance is None and s.error is None for s in main):
            return "Pending"
        done = [s for s in main if s.instance is not None and not s.instance.running]
        if len(done) == len(main) and all(s.restart_at is None for s in main):
            policy = self.pod["spec"].get("restartPolicy", "Always")
            failed = any(s.instance.exit_code != 0 for s in done)
            if policy == "Never" or (policy == "OnFailure" and not failed) or self._ended:
                return "Failed" if failed else "Succeeded"
        return "Pending" if all(s.instance is None for s in main) else "Running"

    def _conditions(self, ready):
        values = {
            "Initialized": True,
            "Ready": ready,
            "ContainersReady": ready,
            "PodScheduled": True,
        }
        return [
            {
                "type": t,
                "status": str(v),
                "lastProbeTime": None,
                "lastTransitionTime": timestamp(self._started_at),
            }
            for t, v in values.items()
        ]

    def _container_status(self, slot):
        image = slot.spec.get("image", "")
        status = {
            "name": slot.name,
            "image": image,
            "imageID": "",
            "ready": False,
            "started": False,
            "restartCount": slot.restarts,
            "lastState": {},
        }
        if slot.last is not None:
            status["lastState"] = {"terminated": _terminated(slot.last)}
        if slot.instance is None:
            reason = (
                "CreateContainerError"
                if slot.error
                else (
                    "ContainerCreating"
                    if slot.kind == "app" and not any(s.kind == "init" for s in self.slots)
                    else "PodInitializing"
                )
            )
            status["state"] = {
                "waiting": {"reason": reason, **({"message": slot.error} if slot.error else {})}
            }
            return status
        status["containerID"] = f"containerd://{slot.instance.id}"
        status["imageID"] = podspec.image_id(image)
        if slot.instance.running:
            status["state"] = {"running": {"startedAt": timestamp(slot.instance.started_at)}}
            status["ready"] = status["started"] = True
        else:
            status["state"] = {"terminated": _terminated(slot.instance)}
        return status


def _terminated(container):
    code = container.exit_code
    return {
        "exitCode": code,
        "reason": "Completed" if code == 0 else "Error",
        "startedAt": timestamp(container.started_at),
        "finishedAt": timestamp(container.finished_at),
        "containerID": f"containerd://{container.id}",
    }
