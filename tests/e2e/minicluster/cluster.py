"""A cluster of one node: API server, controllers, kubelet, and helpers for tests.

    with Cluster() as cluster:
        cluster.apply(objects.deployment("shop", "web", ...))
        pod = cluster.wait_pod("shop", lambda p: ...)

Everything dies with the process that made it. Several clusters may be up at once.
"""

import copy
import os
import struct
import time
from dataclasses import dataclass

from . import cgroups
from .apiserver import ApiError, ApiServer, Store
from .apiserver.deletion import delete_object
from .apiserver.resources import resource
from .controllers import Controllers
from .in_cluster import InCluster
from .kubelet import Kubelet
from .node import Node
from .objects import job_of
from .runtime import Runtime

DEFAULT_TIMEOUT_S = 20


class Timeout(AssertionError):
    """A condition did not come true in time; the text says which and what was there instead."""


@dataclass(frozen=True)
class Result:
    """What a workload wrote: workloads/result.h."""

    count: int
    second: int
    started_ns: int
    finished_ns: int

    @property
    def finished(self):
        return self.finished_ns != 0


def wait_for(condition, what, timeout_s=DEFAULT_TIMEOUT_S, poll_s=0.02):
    """The first true value of condition(); Timeout when there is none within timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Timeout(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(poll_s)


class Cluster:
    def __init__(
        self,
        name="mini",
        node_name="node-1",
        cgroup_style="cgroupfs",
        default_runtime="runc",
        listen=True,
        token=None,
        tls=None,
        history=2000,
        in_cluster=False,
        images=None,
        cgroup_v2=True,
    ):
        """`in_cluster`: pods get the API server by their service account, which needs TLS and a
        token, so `token` and `tls` are not for the caller then. `images`: see Kubelet. `cgroup_v2`:
        whether the node's runtime knows the v2 hierarchy; only runc can do without."""
        self.name = name
        self.node_name = node_name
        self.node = Node()
        self._cgroup_style = cgroup_style
        self._default_runtime = default_runtime
        self._in_cluster = InCluster() if in_cluster else None
        self._account = None
        if self._in_cluster:
            self._account = self._in_cluster.account
            token, tls = self._account.token, self._in_cluster.tls
        self._api_options = {"listen": listen, "token": token, "tls": tls}
        self._images = images
        self._history = history
        self._cgroup_v2 = cgroup_v2
        self.store = self.api = self.kubelet = self._controllers = None

    def up(self):
        try:
            runtime = Runtime(self.node)
            self.node.up(runtime.on_exit)
            if not self._cgroup_v2:
                self.node.run(["umount", "-R", cgroups.unified()])
            self.store = Store(self._history, uid_prefix=self.node.tag)
            self._make_system_objects()
            self.api = ApiServer(self.store, **self._api_options)
            if self._in_cluster:
                self._in_cluster.serve(self.api, self.node)
            self.kubelet = Kubelet(
                self.node,
                self.node_name,
                self.store,
                runtime,
                self._default_runtime,
                self._cgroup_style,
                self._images,
                self._account,
            )
            self.api.pod_logs = self.pod_log
            self._controllers = Controllers(self.store, self.node_name)
            self._controllers.start()
            self.kubelet.start()
        except BaseException:
            self.down()
            raise
        return self

    def down(self):
        if self.store is not None:
            self.store.close()
        for part in (self._controllers, self.kubelet, self.api):
            if part is not None:
                part.stop()
        self.node.down()
        if self._in_cluster:
            self._in_cluster.stop()

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def _make_system_objects(self):
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.create_namespace(name)
        addresses = [
            {"type": "InternalIP", "address": "10.244.0.1"},
            {"type": "Hostname", "address": self.node_name},
        ]
        self.store.create(
            resource("Node"),
            "",
            {
                "metadata": {
                    "name": self.node_name,
                    "labels": {
                        "kubernetes.io/hostname": self.node_name,
                        "kubernetes.io/os": "linux",
                    },
                },
                "spec": {"podCIDR": "10.244.0.0/24"},
                "status": {
                    "addresses": addresses,
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "nodeInfo": {
                        "kubeletVersion": "v1.27.0-leadline",
                        "kernelVersion": os.uname().release,
                        "containerRuntimeVersion": "containerd://1.6.20",
                        "operatingSystem": "linux",
                        "architecture": "amd64",
                    },
                },
            },
        )

    # --- objects ---

    def create_namespace(self, name):
        if self.store.find(resource("Namespace"), "", name) is None:
            self.store.create(
                resource("Namespace"),
                "",
                {
                    "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
                    "spec": {"finalizers": ["kubernetes"]},
                    "status": {"phase": "Active"},
                },
            )

    def apply(self, *objects):
        """Creates the objects, and their namespaces where they are missing."""
        made = []
        for obj in objects:
            namespace = obj["metadata"].get("namespace", "default")
            self.create_namespace(namespace)
            made.append(self.store.create(resource(obj["kind"]), namespace, obj))
        return made[0] if len(made) == 1 else made

    def get(self, kind, namespace, name):
        return self.store.get(resource(kind), namespace, name)

    def delete(self, kind, namespace, name, **options):
        return delete_object(self.store, resource(kind), namespace, name, options)

    def change(self, kind, namespace, name, change):
        """change(copy of the object) edits it in place."""

        def edit(current):
            change(current)
            return current

        return self.store.update(resource(kind), namespace, name, edit)

    def pods(self, namespace=None, **labels):
        return [
            p
            for p in self.store.list(resource("Pod"), namespace)[0]
            if all((p["metadata"].get("labels") or {}).get(k) == v for k, v in labels.items())
        ]

    def wait_pods(
        self, count, namespace=None, phase="Running", timeout_s=DEFAULT_TIMEOUT_S, **labels
    ):
        """`count` pods in the phase, each with every container started."""

        def matching():
            pods = [
                p
                for p in self.pods(namespace, **labels)
                if p.get("status", {}).get("phase") == phase
            ]
            return pods if len(pods) >= count else None

        return wait_for(
            matching,
            lambda: f"{count} pods {phase}; there are {self.describe(namespace)}",
            timeout_s,
        )

    def wait_gone(self, kind, namespace, name, timeout_s=DEFAULT_TIMEOUT_S):
        wait_for(
            lambda: self.store.find(resource(kind), namespace, name) is None,
            f"{kind} {name} gone",
            timeout_s,
        )

    def describe(self, namespace=None):
        def one(pod):
            states = [s.get("state") for s in pod.get("status", {}).get("containerStatuses", [])]
            return f"{pod['metadata']['namespace']}/{pod['metadata']['name']} {pod.get('status', {}).get('phase')} {states}"

        return "; ".join(map(one, self.pods(namespace))) or "none"

    # --- what runs ---

    def worker(self, pod):
        return wait_for(lambda: self.kubelet.worker(pod["metadata"]["uid"]), "the pod's worker")

    def container(self, pod, name=None):
        """The running (or last) instance of the pod's container; the first one without a name."""
        worker = self.worker(pod)
        slot = worker.slot(name) if name else worker.slots[0]
        return wait_for(lambda: slot.instance, f"container {slot.name}: {slot.error}")

    def pod_log(self, namespace, name, container=""):
        pod = self.get("Pod", namespace, name)
        container = container or pod["spec"]["containers"][0]["name"]
        try:
            with open(
                self._pod_file(pod, f"{container}.log"), encoding="utf-8", errors="replace"
            ) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def result(self, pod, name, volume="results"):
        """What a workload has written so far, also after the pod is gone; None before it begins."""
        try:
            with open(self._pod_file(pod, "volumes", volume, name), "rb") as f:
                data = f.read()
        except FileNotFoundError:
            return None
        return Result(*struct.unpack("<4Q", data[:32])) if len(data) >= 32 else None

    def result_text(self, pod, name, volume="results"):
        """What a workload wrote as text, also after the pod is gone."""
        with open(self._pod_file(pod, "volumes", volume, name), encoding="utf-8") as f:
            return f.read()

    def wait_result(self, pod, name, timeout_s=DEFAULT_TIMEOUT_S, until=lambda r: r.finished):
        def ready():
            result = self.result(pod, name)
            return result if result is not None and until(result) else None

        return wait_for(
            ready,
            lambda: f"result {name}: {self.result(pod, name)}; pods: {self.describe()}",
            timeout_s,
        )

    def _pod_file(self, pod, *parts):
        return os.path.join(self.node.dir, "pods", pod["metadata"]["uid"], *parts)

    # --- a short life ---

    def flash(self, controller, container, timeout_s=DEFAULT_TIMEOUT_S):
        """A Job's pod that runs once and is deleted with its objects the moment it ends.

        `controller`: the CronJob, as it is in the store, that the Job belongs to, or (namespace, name)
        for a Job by itself. Returns the pod as it last was.
        """
        job = self.apply(job_of(controller, container))
        namespace = job["metadata"]["namespace"]
        pods = wait_for(
            lambda: self.pods(namespace, **{"job-name": job["metadata"]["name"]}),
            "the Job's pod",
            timeout_s,
            poll_s=0.002,
        )
        name = pods[0]["metadata"]["name"]

        def ended():
            pod = self.get("Pod", namespace, name)
            return pod if pod.get("status", {}).get("phase") in ("Succeeded", "Failed") else None

        pod = copy.deepcopy(
            wait_for(ended, lambda: self.describe(namespace), timeout_s, poll_s=0.002)
        )
        self.delete("Job", namespace, job["metadata"]["name"])
        try:
            self.delete("Pod", namespace, name, gracePeriodSeconds=0)
        except ApiError:
            pass  # the controllers were first
        return pod
