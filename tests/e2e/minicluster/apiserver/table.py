"""meta.k8s.io/v1 Table, which is what kubectl prints."""

import calendar
import time


def age(timestamp):
    if not timestamp:
        return "<unknown>"
    seconds = int(time.time() - calendar.timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ")))
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{letter}"
    return f"{max(0, seconds)}s"


def _created(o):
    return age(o["metadata"].get("creationTimestamp"))


def _spec(o, name, default=0):
    return o.get("spec", {}).get(name, default)


def _status(o, name, default=0):
    return o.get("status", {}).get(name, default)


def _containers(o):
    spec = o.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", {}).get("spec", {}).get("containers", [])


def _names(o):
    return ",".join(c["name"] for c in _containers(o))


def _images(o):
    return ",".join(c.get("image", "") for c in _containers(o))


def _selector(o):
    selector = _spec(o, "selector", {}) or {}
    return (
        ",".join(f"{k}={v}" for k, v in (selector.get("matchLabels", selector) or {}).items())
        or "<none>"
    )


def _pod_ready(o):
    statuses = _status(o, "containerStatuses", [])
    return f"{sum(s.get('ready', False) for s in statuses)}/{len(_spec(o, 'containers', []))}"


def _pod_state(o):
    if "deletionTimestamp" in o["metadata"]:
        return "Terminating"
    for s in _status(o, "containerStatuses", []):
        state = s.get("state", {})
        reason = state.get("waiting", {}).get("reason") or state.get("terminated", {}).get("reason")
        if reason:
            return reason
    return _status(o, "reason", None) or _status(o, "phase", "Unknown")


def _restarts(o):
    return sum(s.get("restartCount", 0) for s in _status(o, "containerStatuses", []))


# Kind -> (column, priority, value); priority 1 is shown by -o wide.
_NAME, _AGE = ("Name", 0, lambda o: o["metadata"]["name"]), ("Age", 0, _created)
_TEMPLATE = (("Containers", 1, _names), ("Images", 1, _images), ("Selector", 1, _selector))
_COLUMNS = {
    "Pod": (
        _NAME,
        ("Ready", 0, _pod_ready),
        ("Status", 0, _pod_state),
        ("Restarts", 0, _restarts),
        _AGE,
        ("IP", 1, lambda o: _status(o, "podIP", "") or "<none>"),
        ("Node", 1, lambda o: _spec(o, "nodeName", "") or "<none>"),
        ("Nominated Node", 1, lambda o: "<none>"),
        ("Readiness Gates", 1, lambda o: "<none>"),
    ),
    "Deployment": (
        _NAME,
        ("Ready", 0, lambda o: f"{_status(o, 'readyReplicas')}/{_spec(o, 'replicas', 1)}"),
        ("Up-to-date", 0, lambda o: _status(o, "updatedReplicas")),
        ("Available", 0, lambda o: _status(o, "availableReplicas")),
        _AGE,
    )
    + _TEMPLATE,
    "StatefulSet": (
        _NAME,
        ("Ready", 0, lambda o: f"{_status(o, 'readyReplicas')}/{_spec(o, 'replicas', 1)}"),
        _AGE,
    )
    + _TEMPLATE,
    "DaemonSet": (
        _NAME,
        ("Desired", 0, lambda o: _status(o, "desiredNumberScheduled")),
        ("Current", 0, lambda o: _status(o, "currentNumberScheduled")),
        ("Ready", 0, lambda o: _status(o, "numberReady")),
        ("Up-to-date", 0, lambda o: _status(o, "updatedNumberScheduled")),
        ("Available", 0, lambda o: _status(o, "numberAvailable")),
        ("Node Selector", 0, lambda o: "<none>"),
        _AGE,
    )
    + _TEMPLATE,
    "Job": (
        _NAME,
        ("Completions", 0, lambda o: f"{_status(o, 'succeeded')}/{_spec(o, 'completions', 1)}"),
        _AGE,
    )
    + _TEMPLATE,
    "CronJob": (
        _NAME,
        ("Schedule", 0, lambda o: _spec(o, "schedule", "")),
        ("Suspend", 0, lambda o: _spec(o, "suspend", False)),
        _AGE,
    )
    + _TEMPLATE[:2],
    "Node": (
        _NAME,
        ("Status", 0, lambda o: "Ready"),
        ("Roles", 0, lambda o: "<none>"),
        _AGE,
        ("Version", 0, lambda o: _status(o, "nodeInfo", {}).get("kubeletVersion", "")),
    ),
    "Namespace": (_NAME, ("Status", 0, lambda o: _status(o, "phase", "")), _AGE),
    "Service": (
        _NAME,
        ("Type", 0, lambda o: _spec(o, "type", "ClusterIP")),
        ("Cluster-IP", 0, lambda o: _spec(o, "clusterIP", "<none>")),
        _AGE,
        ("Selector", 1, _selector),
    ),
    "Event": (
        ("Last Seen", 0, lambda o: age(o.get("lastTimestamp"))),
        ("Type", 0, lambda o: o.get("type", "")),
        ("Reason", 0, lambda o: o.get("reason", "")),
        (
            "Object",
            0,
            lambda o: "{kind}/{name}".format(
                **{"kind": "", "name": "", **o.get("involvedObject", {})}
            ),
        ),
        ("Message", 0, lambda o: o.get("message", "")),
    ),
}
for _kind in ("ReplicaSet", "ReplicationController"):
    _COLUMNS[_kind] = (
        _NAME,
        ("Desired", 0, lambda o: _spec(o, "replicas", 1)),
        ("Current", 0, lambda o: _status(o, "replicas")),
        ("Ready", 0, lambda o: _status(o, "readyReplicas")),
        _AGE,
    ) + _TEMPLATE


def table(resource, objects, list_metadata, include="Metadata"):
    columns = _COLUMNS.get(resource.kind, (_NAME, _AGE))
    rows = []
    for o in objects:
        row = {"cells": [value(o) for _, _, value in columns]}
        if include == "Object":
            row["object"] = o
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": o["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata,
        "columnDefinitions": [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": name,
                "priority": priority,
            }
            for name, priority, _ in columns
        ],
        "rows": rows,
    }
