"""What a pod's specification means to a runtime: its class, its limits, its names."""

import hashlib

_UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 1000, "M": 10**6, "G": 10**9}
_CFS_PERIOD_US = 100_000


def cpu_millis(quantity):
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def memory_bytes(quantity):
    text = str(quantity)
    for unit, factor in _UNITS.items():
        if text.endswith(unit):
            return int(float(text[: -len(unit)]) * factor)
    return int(text)


def qos_class(spec):
    containers = spec.get("containers", []) + spec.get("initContainers", [])
    resources = [c.get("resources") or {} for c in containers]
    if not any(r.get("limits") or r.get("requests") for r in resources):
        return "BestEffort"
    for r in resources:
        limits, requests = r.get("limits") or {}, r.get("requests") or {}
        for name in ("cpu", "memory"):
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"


def oci_resources(container):
    """The `resources` of the OCI specification."""
    limits = (container.get("resources") or {}).get("limits") or {}
    requests = (container.get("resources") or {}).get("requests") or {}
    resources = {}
    cpu = {}
    if "cpu" in requests or "cpu" in limits:
        cpu["shares"] = max(2, cpu_millis(requests.get("cpu", limits.get("cpu"))) * 1024 // 1000)
    if "cpu" in limits:
        cpu["period"] = _CFS_PERIOD_US
        cpu["quota"] = cpu_millis(limits["cpu"]) * _CFS_PERIOD_US // 1000
    if cpu:
        resources["cpu"] = cpu
    if "memory" in limits:
        resources["memory"] = {"limit": memory_bytes(limits["memory"])}
    return resources


def runtime_of(pod, default):
    return pod["spec"].get("runtimeClassName") or default


def cgroup_style_of(pod, default):
    """A node has one style; the annotation lets a test have both on one."""
    return (pod["metadata"].get("annotations") or {}).get("leadline.test/cgroup-style", default)


def cgroup_uid(pod):
    """The uid in the names of the pod's groups; a static pod's is what its kubelet gave it."""
    annotations = pod["metadata"].get("annotations") or {}
    return annotations.get("kubernetes.io/config.hash", pod["metadata"]["uid"])


def removes_late(pod):
    """Whether the node's runtime leaves what is left of a container until its pod goes."""
    return "leadline.test/late-removal" in (pod["metadata"].get("annotations") or {})


def image_id(image):
    return f"{image.split(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def environment_value(variable, pod, pod_ip):
    """What a container sees of an entry of its `env`."""
    field = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
    if field is None:
        return variable.get("value", "")
    value = {**pod, "status": {"podIP": pod_ip, "hostIP": "10.244.0.1"}}
    for name in field.split("."):
        value = value[name]
    return value
