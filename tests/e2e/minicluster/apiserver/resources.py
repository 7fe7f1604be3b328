"""The kinds that the server knows, a row each."""

from dataclasses import dataclass, field
from typing import Tuple


@dataclass(frozen=True)
class Resource:
    group: str
    version: str
    plural: str
    kind: str
    short: Tuple[str, ...] = ()
    namespaced: bool = True
    categories: Tuple[str, ...] = ()
    subresources: Tuple[str, ...] = ("status",)
    # Besides metadata.name and metadata.namespace, which every kind has.
    fields: Tuple[str, ...] = field(default=())

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self):
        return self.kind.lower()


_POD_FIELDS = (
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
)
_EVENT_FIELDS = (
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
)

RESOURCES = (
    Resource(
        "",
        "v1",
        "namespaces",
        "Namespace",
        ("ns",),
        False,
        fields=("status.phase",),
        subresources=("status", "finalize"),
    ),
    Resource("", "v1", "nodes", "Node", ("no",), False, fields=("spec.unschedulable",)),
    Resource(
        "",
        "v1",
        "pods",
        "Pod",
        ("po",),
        categories=("all",),
        fields=_POD_FIELDS,
        subresources=("status", "log", "binding"),
    ),
    Resource(
        "",
        "v1",
        "replicationcontrollers",
        "ReplicationController",
        ("rc",),
        categories=("all",),
        subresources=("status", "scale"),
        fields=("status.replicas",),
    ),
    Resource(
        "",
        "v1",
        "services",
        "Service",
        ("svc",),
        categories=("all",),
        fields=("spec.clusterIP", "spec.type"),
    ),
    Resource("", "v1", "endpoints", "Endpoints", ("ep",), subresources=()),
    Resource("", "v1", "configmaps", "ConfigMap", ("cm",), subresources=()),
    Resource("", "v1", "secrets", "Secret", (), subresources=(), fields=("type",)),
    Resource("", "v1", "serviceaccounts", "ServiceAccount", ("sa",), subresources=()),
    Resource("", "v1", "events", "Event", ("ev",), subresources=(), fields=_EVENT_FIELDS),
    Resource(
        "apps",
        "v1",
        "deployments",
        "Deployment",
        ("deploy",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Resource(
        "apps",
        "v1",
        "replicasets",
        "ReplicaSet",
        ("rs",),
        categories=("all",),
        subresources=("status", "scale"),
        fields=("status.replicas",),
    ),
    Resource(
        "apps",
        "v1",
        "statefulsets",
        "StatefulSet",
        ("sts",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Resource("apps", "v1", "daemonsets", "DaemonSet", ("ds",), categories=("all",)),
    Resource("batch", "v1", "jobs", "Job", (), categories=("all",), fields=("status.successful",)),
    Resource("batch", "v1", "cronjobs", "CronJob", ("cj",), categories=("all",)),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", (), subresources=()),
)

BY_KIND = {r.kind: r for r in RESOURCES}
BY_PATH = {(r.group, r.version, r.plural): r for r in RESOURCES}
GROUPS = sorted({(r.group, r.version) for r in RESOURCES if r.group})


def resource(kind):
    return BY_KIND[kind]
