"""Kubernetes objects as tests need them: short to write, complete to read."""

import copy

from .apiserver.store import random_suffix
from .controllers import owner_reference

IMAGE = "registry.test/leadline/workloads:1"
_RESULTS = {"name": "results", "mountPath": "/results"}


def container(name, *args, limits=None, requests=None, image=IMAGE, env=None):
    """A container that runs `args`, with the pod's results folder at /results."""
    spec = {
        "name": name,
        "image": image,
        "command": list(args),
        "volumeMounts": [_RESULTS],
        "env": [{"name": k, "value": v} for k, v in (env or {}).items()],
    }
    resources = {k: v for k, v in (("limits", limits), ("requests", requests)) if v}
    return {**spec, "resources": resources} if resources else spec


def calls(call, name="app", count=None, rate=None, for_ms=None, hold=True, **options):
    """A container of workloads/calls.c; its result has the call's name."""
    args = ["/bin/calls", "--call", call, "--result", f"/results/{call.replace(':', '-')}"]
    args += ["--count", str(count)] if count is not None else ["--rate", str(rate)]
    args += ["--for", str(for_ms)] if for_ms is not None else []
    args += ["--hold"] if hold else []
    return container(name, *args, **options)


def pod_spec(
    *containers,
    host_network=False,
    restart_policy="Always",
    grace_s=2,
    runtime=None,
    init_containers=(),
):
    spec = {
        "containers": list(containers),
        "volumes": [{"name": "results", "emptyDir": {}}],
        "restartPolicy": restart_policy,
        "terminationGracePeriodSeconds": grace_s,
    }
    if init_containers:
        spec["initContainers"] = list(init_containers)
    if host_network:
        spec["hostNetwork"] = True
    if runtime:
        spec["runtimeClassName"] = runtime
    return spec


def _template(name, spec, labels, annotations=None):
    metadata = {"labels": {"app": name, **(labels or {})}}
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": spec}


def pod(namespace, name, *containers, labels=None, cgroup_style=None, **options):
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name, **(labels or {})}}
    if cgroup_style:
        metadata["annotations"] = {"leadline.test/cgroup-style": cgroup_style}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": pod_spec(*containers, **options),
    }


def _owner(api_version, kind, namespace, name, spec):
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": spec,
    }


def _workload(
    api_version, kind, namespace, name, containers, labels, options, cgroup_style=None, **spec
):
    annotations = {"leadline.test/cgroup-style": cgroup_style} if cgroup_style else None
    return _owner(
        api_version,
        kind,
        namespace,
        name,
        {
            **spec,
            "selector": {"matchLabels": {"app": name}},
            "template": _template(name, pod_spec(*containers, **options), labels, annotations),
        },
    )


def static_pod(namespace, name, node, config_hash, *containers, **options):
    """The mirror pod of a static one, as the kubelet of `node` makes it in the API."""
    obj = pod(namespace, f"{name}-{node['metadata']['name']}", *containers, **options)
    obj["metadata"]["ownerReferences"] = [owner_reference(node)]
    obj["metadata"].setdefault("annotations", {}).update(
        {
            "kubernetes.io/config.source": "file",
            "kubernetes.io/config.hash": config_hash,
            "kubernetes.io/config.mirror": config_hash,
        }
    )
    return obj


def deployment(namespace, name, *containers, replicas=1, labels=None, cgroup_style=None, **options):
    return _workload(
        "apps/v1",
        "Deployment",
        namespace,
        name,
        containers,
        labels,
        options,
        cgroup_style,
        replicas=replicas,
    )


def daemon_set(namespace, name, *containers, labels=None, cgroup_style=None, **options):
    return _workload(
        "apps/v1", "DaemonSet", namespace, name, containers, labels, options, cgroup_style
    )


def stateful_set(
    namespace, name, *containers, replicas=1, labels=None, cgroup_style=None, **options
):
    return _workload(
        "apps/v1",
        "StatefulSet",
        namespace,
        name,
        containers,
        labels,
        options,
        cgroup_style,
        replicas=replicas,
        serviceName=name,
    )


def replication_controller(
    namespace, name, *containers, replicas=1, labels=None, cgroup_style=None, **options
):
    obj = _workload(
        "v1",
        "ReplicationController",
        namespace,
        name,
        containers,
        labels,
        options,
        cgroup_style,
        replicas=replicas,
    )
    obj["spec"]["selector"] = {"app": name}
    return obj


def service(namespace, name, port, cluster_ip, node_port):
    """One that says where it is; nothing here leads there."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "type": "NodePort",
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "selector": {"app": name},
            "ports": [{"port": port, "nodePort": node_port}],
        },
    }


def endpoint_slice(namespace, service_name, pods):
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "targetRef": {
                "kind": "Pod",
                "namespace": namespace,
                "name": pod["metadata"]["name"],
                "uid": pod["metadata"]["uid"],
            },
        }
        for pod in pods
    ]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-{random_suffix(5)}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
    }


def cron_job(namespace, name, schedule="*/5 * * * *"):
    return _owner(
        "batch/v1",
        "CronJob",
        namespace,
        name,
        {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {"containers": []}}}}},
    )


def job(namespace, name, *containers, labels=None, **options):
    options.setdefault("restart_policy", "Never")
    obj = _owner(
        "batch/v1",
        "Job",
        namespace,
        name,
        {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 0,
            "template": _template(name, pod_spec(*containers, **options), labels),
        },
    )
    return obj


def job_of(controller, *containers):
    """A Job of `controller`, a CronJob as it is in the store, or by itself for (namespace, name)."""
    if isinstance(controller, tuple):
        return job(*controller, *containers)
    metadata = controller["metadata"]
    made = job(metadata["namespace"], f"{metadata['name']}-{random_suffix(8)}", *containers)
    made["metadata"]["ownerReferences"] = [owner_reference(controller)]
    return copy.deepcopy(made)
