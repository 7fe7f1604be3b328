"""The standard cluster of the tests: three namespaces, several kinds of owner and classes of service."""

from . import objects as o

# What a controller's pods call, each its own rare system call: (namespace, controller) -> call.
CALLS = {
    ("shop", "web"): "getpriority",
    ("data", "store"): "ioprio_get",
    ("kube-system", "node-agent"): "sched_rr_get_interval",
    ("shop", "debug"): "timer_getoverrun",
}


def standard(rate=200):
    """A Deployment of two, a ReplicationController, a DaemonSet on the host's network, a bare pod."""
    return [
        o.deployment(
            "shop",
            "web",
            o.calls(
                "getpriority", name="web", rate=rate, requests={"cpu": "50m", "memory": "32Mi"}
            ),
            replicas=2,
            labels={"tier": "front"},
        ),
        o.replication_controller(
            "data",
            "store",
            o.calls(
                "ioprio_get", name="store", rate=rate, limits={"cpu": "500m", "memory": "64Mi"}
            ),
            labels={"tier": "back"},
        ),
        o.daemon_set(
            "kube-system",
            "node-agent",
            o.calls("sched_rr_get_interval", name="agent", rate=rate),
            host_network=True,
        ),
        o.pod("shop", "debug", o.calls("timer_getoverrun", name="shell", rate=rate)),
    ]


PODS = 5
