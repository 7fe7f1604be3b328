"""The kubelet in miniature: runs the pods that are bound to the node and reports their state."""

import threading

from .apiserver import ApiError
from .apiserver.resources import resource
from .network import PodNetwork
from .pod_worker import PodWorker

POD = resource("Pod")
_POLL_S = 1.0


class Kubelet:
    """One thread that follows the node's pods, and one thread for each of them."""

    def __init__(
        self,
        node,
        node_name,
        store,
        runtime,
        default_runtime="runc",
        cgroup_style="cgroupfs",
        images=None,
        account=None,
    ):
        """`images`: {name: (folder of its root file system, entrypoint)}; others are the workloads'.
        `account`: what every pod finds the API server by, see in_cluster.py; None for nothing."""
        self.node = node
        self.node_name = node_name
        self.store = store
        self.runtime = runtime
        self.network = PodNetwork(node)
        self.default_runtime = default_runtime
        self.cgroup_style = cgroup_style
        self.images = images or {}
        self.account = account
        self._workers = {}  # uid -> PodWorker
        self._lock = threading.Lock()
        self._stopping = False
        self._thread = threading.Thread(target=self._follow, name="kubelet", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping = True

    def worker(self, uid):
        with self._lock:
            return self._workers.get(uid)

    def forget(self, uid):
        with self._lock:
            self._workers.pop(uid, None)

    def _follow(self):
        pods, rv = self.store.list(POD)
        for pod in pods:
            self._see(pod, gone=False)
        while not self._stopping and not self.store.closed:
            try:
                events = self.store.events_after(rv, _POLL_S)
            except ApiError:  # our place in the history is gone: start over
                pods, rv = self.store.list(POD)
                for pod in pods:
                    self._see(pod, gone=False)
                continue
            for event in events:
                rv = event.rv
                if event.resource is POD:
                    self._see(event.obj, gone=event.type == "DELETED")

    def _see(self, pod, gone):
        if pod["spec"].get("nodeName") != self.node_name:
            return
        uid = pod["metadata"]["uid"]
        with self._lock:
            worker = self._workers.get(uid)
            deleted = gone or "deletionTimestamp" in pod["metadata"]
            if (
                worker is None
                and not gone
                and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
            ):
                worker = self._workers[uid] = PodWorker(self, pod)
                worker.start()
        ephemeral = pod["spec"].get("ephemeralContainers")
        if worker is not None and ephemeral and not deleted:
            worker.post("ephemeral", ephemeral)
        if worker is not None and deleted:
            grace_s = 0 if gone else pod["metadata"].get("deletionGracePeriodSeconds", 30)
            worker.post("delete", grace_s)
