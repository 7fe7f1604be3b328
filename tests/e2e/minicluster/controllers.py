"""Controllers and scheduler in miniature: from Deployments, ReplicaSets, ReplicationControllers,
DaemonSets, StatefulSets and Jobs to pods bound to the node, and the clean-up behind them."""

import copy
import json
import threading

from .apiserver import ApiError
from .apiserver.deletion import delete_object
from .apiserver.resources import RESOURCES, resource
from .apiserver.store import now

_SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_POLL_S = 1.0
_POD = resource("Pod")
_NAMESPACE = resource("Namespace")
_RS = resource("ReplicaSet")


def template_hash(template):
    """A hash of the template as Kubernetes writes it: FNV-1a of 32 bits in decimal, each digit
    mapped to the alphabet of generated names."""
    value = 0x811C9DC5
    for byte in json.dumps(template, sort_keys=True).encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return "".join(_SAFE_ALPHABET[ord(c) % len(_SAFE_ALPHABET)] for c in str(value))


def owner_reference(owner):
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controlled_by(obj, owner):
    return any(
        r.get("controller") and r["uid"] == owner["metadata"]["uid"]
        for r in obj["metadata"].get("ownerReferences") or []
    )


def _active(pod):
    return "deletionTimestamp" not in pod["metadata"] and pod.get("status", {}).get(
        "phase"
    ) not in ("Succeeded", "Failed")


def _ready(pod):
    return any(
        c["type"] == "Ready" and c["status"] == "True"
        for c in pod.get("status", {}).get("conditions", [])
    )


def _claimed_volumes(stateful_set, ordinal):
    """The volumes of a pod that a StatefulSet makes claims for."""
    claims = [t["metadata"]["name"] for t in stateful_set["spec"].get("volumeClaimTemplates", [])]
    return [
        {
            "name": claim,
            "persistentVolumeClaim": {
                "claimName": f"{claim}-{stateful_set['metadata']['name']}-{ordinal}"
            },
        }
        for claim in claims
    ]


class Controllers:
    """One thread that, after every change, makes the objects what their owners want."""

    def __init__(self, store, node_name):
        self._store = store
        self._node_name = node_name
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopping = True

    def _run(self):
        rv = 0
        while not self._stopping and not self._store.closed:
            try:
                events = self._store.events_after(rv, _POLL_S)
            except ApiError:
                events = [None]
            if events and not self._store.closed:
                rv = self._store.resource_version
                self._reconcile()

    def _reconcile(self):
        for step in (
            self._finalize_namespaces,
            self._collect_orphans,
            self._deployments,
            self._replicas,
            self._daemon_sets,
            self._stateful_sets,
            self._jobs,
            self._schedule,
        ):
            try:
                step()
            except ApiError:
                pass  # someone else wrote at the same time; that write brings us back here

    # --- pods ---

    def _pods_of(self, owner):
        namespace = owner["metadata"]["namespace"]
        return [p for p in self._store.list(_POD, namespace)[0] if controlled_by(p, owner)]

    def _create_pod(self, owner, template, name=None, labels=None, volumes=()):
        metadata = copy.deepcopy(template.get("metadata") or {})
        metadata["labels"] = {**(metadata.get("labels") or {}), **(labels or {})}
        metadata["ownerReferences"] = [owner_reference(owner)]
        if name:
            metadata["name"] = name
        else:
            metadata["generateName"] = owner["metadata"]["name"] + "-"
        pod = {
            "metadata": metadata,
            "spec": copy.deepcopy(template["spec"]),
            "status": {"phase": "Pending"},
        }
        if volumes:
            pod["spec"]["volumes"] = [*pod["spec"].get("volumes", []), *volumes]
        self._store.create(_POD, owner["metadata"]["namespace"], pod)

    def _delete(self, obj_resource, obj):
        delete_object(
            self._store, obj_resource, obj["metadata"].get("namespace"), obj["metadata"]["name"]
        )

    def _set_status(self, obj_resource, obj, status):
        def change(current):
            current["status"] = {
                **current.get("status", {}),
                **status,
                "observedGeneration": current["metadata"].get("generation", 1),
            }
            return current

        self._store.update(
            obj_resource, obj["metadata"]["namespace"], obj["metadata"]["name"], change, "status"
        )

    def _scale_pods(self, owner, wanted, labels=None):
        """Creates or deletes pods until `wanted` are active; returns those that are."""
        pods = [p for p in self._pods_of(owner) if _active(p)]
        for _ in range(wanted - len(pods)):
            self._create_pod(owner, owner["spec"]["template"], labels=labels)
        newest_first = sorted(
            pods, key=lambda p: int(p["metadata"]["resourceVersion"]), reverse=True
        )
        for pod in newest_first[: max(0, len(pods) - wanted)]:
            self._delete(_POD, pod)
        return pods

    # --- one step a kind ---

    def _deployments(self):
        kind = resource("Deployment")
        for deployment in self._store.list(kind)[0]:
            namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
            template = deployment["spec"]["template"]
            digest = template_hash(template)
            wanted = deployment["spec"].get("replicas", 1)
            sets = [s for s in self._store.list(_RS, namespace)[0] if controlled_by(s, deployment)]
            current = next(
                (s for s in sets if s["metadata"]["labels"].get("pod-template-hash") == digest),
                None,
            )
            if current is None:
                self._create_replica_set(deployment, f"{name}-{digest}", digest, wanted)
                continue
            for replica_set in sets:
                target = wanted if replica_set is current else 0
                if replica_set["spec"]["replicas"] != target:
                    self._scale_replica_set(replica_set, target)
            pods = [p for s in sets for p in self._pods_of(s) if _active(p)]
            ready = sum(_ready(p) for p in pods)
            updated = sum(controlled_by(p, current) for p in pods)
            self._set_status(
                kind,
                deployment,
                {
                    "replicas": len(pods),
                    "readyReplicas": ready,
                    "availableReplicas": ready,
                    "updatedReplicas": updated,
                    "unavailableReplicas": max(0, wanted - ready),
                    "conditions": [
                        {
                            "type": "Available",
                            "status": str(ready >= wanted),
                            "reason": "MinimumReplicasAvailable"
                            if ready >= wanted
                            else "MinimumReplicasUnavailable",
                            "lastUpdateTime": deployment["metadata"]["creationTimestamp"],
                            "lastTransitionTime": deployment["metadata"]["creationTimestamp"],
                        }
                    ],
                },
            )

    def _create_replica_set(self, deployment, name, digest, replicas):
        template = copy.deepcopy(deployment["spec"]["template"])
        labels = {
            **(template.setdefault("metadata", {}).get("labels") or {}),
            "pod-template-hash": digest,
        }
        template["metadata"]["labels"] = labels
        match = deployment["spec"].get("selector", {}).get("matchLabels", {})
        self._store.create(
            _RS,
            deployment["metadata"]["namespace"],
            {
                "metadata": {
                    "name": name,
                    "labels": labels,
                    "ownerReferences": [owner_reference(deployment)],
                    "annotations": {"deployment.kubernetes.io/revision": "1"},
                },
                "spec": {
                    "replicas": replicas,
                    "template": template,
                    "selector": {"matchLabels": {**match, "pod-template-hash": digest}},
                },
            },
        )

    def _scale_replica_set(self, replica_set, replicas):
        def change(current):
            current["spec"]["replicas"] = replicas
            return current

        self._store.update(
            _RS, replica_set["metadata"]["namespace"], replica_set["metadata"]["name"], change
        )

    def _replicas(self):
        for kind in (_RS, resource("ReplicationController")):
            for owner in self._store.list(kind)[0]:
                pods = self._scale_pods(owner, owner["spec"].get("replicas", 1))
                ready = sum(_ready(p) for p in pods)
                self._set_status(
                    kind,
                    owner,
                    {
                        "replicas": len(pods),
                        "fullyLabeledReplicas": len(pods),
                        "readyReplicas": ready,
                        "availableReplicas": ready,
                    },
                )

    def _daemon_sets(self):
        kind = resource("DaemonSet")
        for owner in self._store.list(kind)[0]:
            digest = template_hash(owner["spec"]["template"])
            pods = self._scale_pods(
                owner, 1, {"controller-revision-hash": digest, "pod-template-generation": "1"}
            )
            ready = sum(_ready(p) for p in pods)
            self._set_status(
                kind,
                owner,
                {
                    "desiredNumberScheduled": 1,
                    "currentNumberScheduled": len(pods),
                    "updatedNumberScheduled": len(pods),
                    "numberMisscheduled": 0,
                    "numberReady": ready,
                    "numberAvailable": ready,
                },
            )

    def _stateful_sets(self):
        kind = resource("StatefulSet")
        for owner in self._store.list(kind)[0]:
            name, wanted = owner["metadata"]["name"], owner["spec"].get("replicas", 1)
            pods = {p["metadata"]["name"]: p for p in self._pods_of(owner)}
            for ordinal in range(wanted):
                pod = pods.get(f"{name}-{ordinal}")
                if pod is None:
                    self._create_pod(
                        owner,
                        owner["spec"]["template"],
                        f"{name}-{ordinal}",
                        {
                            "statefulset.kubernetes.io/pod-name": f"{name}-{ordinal}",
                            "apps.kubernetes.io/pod-index": str(ordinal),
                        },
                        _claimed_volumes(owner, ordinal),
                    )
                if pod is None or not _ready(pod):
                    break  # in order, each after the one before is ready
            for pod_name, pod in pods.items():
                if int(pod_name.rsplit("-", 1)[1]) >= wanted and _active(pod):
                    self._delete(_POD, pod)
            self._set_status(
                kind,
                owner,
                {
                    "replicas": len(pods),
                    "currentReplicas": len(pods),
                    "readyReplicas": sum(_ready(p) for p in pods.values()),
                },
            )

    def _jobs(self):
        kind = resource("Job")
        for job in self._store.list(kind)[0]:
            if any(
                c["type"] in ("Complete", "Failed")
                for c in job.get("status", {}).get("conditions", [])
            ):
                continue
            pods = self._pods_of(job)
            phases = [p.get("status", {}).get("phase") for p in pods]
            succeeded, failed = phases.count("Succeeded"), phases.count("Failed")
            active = sum(_active(p) for p in pods)
            completions = job["spec"].get("completions", 1)
            status = {
                "active": active,
                "succeeded": succeeded,
                "failed": failed,
                "startTime": job["metadata"]["creationTimestamp"],
            }
            if succeeded >= completions:
                status.update(
                    completionTime=now(), conditions=[{"type": "Complete", "status": "True"}]
                )
            elif failed > job["spec"].get("backoffLimit", 6):
                status["conditions"] = [
                    {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
                ]
            else:
                labels = {
                    "job-name": job["metadata"]["name"],
                    "controller-uid": job["metadata"]["uid"],
                }
                for _ in range(
                    min(job["spec"].get("parallelism", 1), completions - succeeded) - active
                ):
                    self._create_pod(job, job["spec"]["template"], labels=labels)
            self._set_status(kind, job, status)

    def _schedule(self):
        for pod in self._store.list(_POD)[0]:
            if pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
                continue

            def bind(current):
                current["spec"]["nodeName"] = self._node_name
                return current

            self._store.update(_POD, pod["metadata"]["namespace"], pod["metadata"]["name"], bind)

    # --- clean-up ---

    def _finalize_namespaces(self):
        for namespace in self._store.list(_NAMESPACE)[0]:
            if "deletionTimestamp" not in namespace["metadata"]:
                continue
            name, left = namespace["metadata"]["name"], 0
            for kind in RESOURCES:
                for obj in self._store.list(kind, name)[0] if kind.namespaced else []:
                    left += kind is _POD
                    if "deletionTimestamp" not in obj["metadata"]:
                        self._delete(kind, obj)
            if left == 0:
                self._store.delete(_NAMESPACE, "", name)

    def _collect_orphans(self):
        """Deletes what was owned by something that is gone."""
        objects = [(kind, o) for kind in RESOURCES for o in self._store.list(kind)[0]]
        alive = {o["metadata"]["uid"] for _, o in objects}
        for kind, obj in objects:
            references = obj["metadata"].get("ownerReferences") or []
            if references and not any(r["uid"] in alive for r in references):
                if "deletionTimestamp" not in obj["metadata"]:
                    self._delete(kind, obj)
