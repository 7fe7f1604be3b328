#!/usr/bin/python3
"""What `./dev demo` shows: a cluster of real containers, an agent and a collector, and what they answer.

    demo.py [BIN_DIR] [--keep]     BIN_DIR: where the programs were built, as build/release/bin
                                   --keep leaves everything up until Ctrl-C, for queries of your own
"""

import argparse
import os
import sys
import time
from typing import NamedTuple

import show
from minicluster import objects as o, paths, wait_for
from programs import brief, forbids_walks
from questions import ask
from watched import watched

_PODS = 8
_DATA_TIMEOUT_S = 60
_WINDOW_S = 10
_WINDOW = f"{_WINDOW_S}s"
_SETTLING = 'container_cpu_usage_seconds_total{container!="",namespace!="",namespace!="batch"}'
# Found by the next walk over the open connections, so it is there later than its container.
_SETTLING_EDGE = 'container_tcp_sent_bytes_total{controller="cart",role="client"}'

NO_OPEN_CONNECTIONS = (
    "Empty here: this kernel forbids what reads connections that are still open, as these are; "
    "leadline-agent --dry-run says so."
)


class Question(NamedTuple):
    title: str
    remark: str
    expression: str
    of_open_connections: bool = False


_QUESTIONS = [
    Question(
        "System calls a second, by namespace and controller",
        "Counted in the kernel by control group, tagged with what Kubernetes says of the container; "
        "<none> is a pod that nothing controls.",
        f'sum by (namespace, controller) (rate(container_syscalls_total{{namespace!=""}}[{_WINDOW}]))',
    ),
    Question(
        "The five busiest system calls of the shop",
        "Nothing was installed in any container for this.",
        f'topk(5, sum by (controller, syscall) (rate(container_syscalls_total{{namespace="shop"}}[{_WINDOW}])))',
    ),
    Question(
        "CPU, in cores",
        "The pods of data/store use 20 % of a CPU on purpose.",
        f'sum by (namespace, controller) (rate(container_cpu_usage_seconds_total{{namespace!=""}}[{_WINDOW}]))',
    ),
    Question(
        "Memory, in MiB",
        "data/store holds 48 MiB on purpose.",
        'sum by (namespace, controller) (container_memory_working_set_bytes{namespace!=""}) / 1048576',
    ),
    Question(
        "Bytes sent a second",
        "shop/cart sends 256 KiB a second to shop/web; kube-system/node-agent, on the host's network, "
        "has no series.",
        f'sum by (namespace, controller) (rate(container_network_transmit_bytes_total{{namespace!=""}}[{_WINDOW}]))',
    ),
    Question(
        "Open TCP connections, by who is at the other end",
        "Both ends of the one between shop/cart and shop/web; a client's ephemeral port is no label.",
        "sum by (namespace, controller, role, peer_namespace, peer_workload, remote_port) "
        '(container_tcp_connections{namespace!=""})',
        of_open_connections=True,
    ),
    Question(
        "TCP payload sent a second, by namespace and controller",
        "What the peers have acknowledged: shop/cart's 256 KiB without any headers.",
        "sum by (namespace, controller, role) "
        f'(rate(container_tcp_sent_bytes_total{{namespace!=""}}[{_WINDOW}]))',
        of_open_connections=True,
    ),
    Question(
        "The job that lived for 200 ms",
        "Its pod and its objects are gone; its calls belong to the CronJob all the same.",
        "sum by (namespace, controller, controller_kind) "
        '(increase(container_syscalls_total{namespace="batch",syscall="times"}[10m]))',
    ),
]


def workloads(cluster):
    """A shop with two web pods and a client, a database, a node agent, a bare pod."""
    web = [
        o.calls("getpriority", name="web", rate=300, requests={"cpu": "50m", "memory": "32Mi"}),
        o.container("http", "/bin/tcp", "--serve", "8080", "--result", "/results/http"),
    ]
    cluster.apply(
        o.deployment("shop", "web", *web, replicas=2),
        o.replication_controller(
            "data",
            "store",
            o.container("cache", "/bin/hold", "--mib", "48", "--result", "/results/hold"),
            o.container(
                "engine",
                "/bin/burn",
                "--percent",
                "20",
                "--result",
                "/results/burn",
                limits={"cpu": "500m", "memory": "64Mi"},
            ),
        ),
        o.stateful_set("data", "queue", o.calls("ioprio_get", name="queue", rate=150)),
        o.daemon_set(
            "kube-system",
            "node-agent",
            o.calls("sched_rr_get_interval", name="agent", rate=50),
            host_network=True,
        ),
        o.pod("shop", "debug", o.calls("timer_getoverrun", name="shell", rate=20)),
    )
    address = cluster.wait_pods(2, "shop", app="web")[0]["status"]["podIP"]
    cluster.apply(
        o.deployment(
            "shop",
            "cart",
            o.container(
                "cart",
                "/bin/tcp",
                "--to",
                f"{address}:8080",
                "--rate",
                str(256 << 10),
                "--result",
                "/results/cart",
            ),
        )
    )
    cluster.wait_pods(_PODS - 1)


def _say(text=""):
    print(text, flush=True)


def _has_a_window(series, count):
    """Whether so many series were there for a whole window, so that their rates are of all of it."""
    return len(series) == count and all(
        samples[-1][0] - samples[0][0] > _WINDOW_S for samples in series.values()
    )


def run(keep=False):
    begin = time.monotonic()
    with watched("demo") as (cluster, collector, agent):
        workloads(cluster)
        nightly = cluster.apply(o.cron_job("batch", "nightly"))
        cluster.flash(nightly, o.calls("times", rate=1000, for_ms=200, hold=False))
        containers = sum(len(p["spec"]["containers"]) for p in cluster.pods())
        namespaces = {p["metadata"]["namespace"] for p in cluster.pods()}
        _say(
            f"A cluster of one node with {len(cluster.pods())} pods in {len(namespaces)} namespaces, "
            f"a collector and an agent are up ({time.monotonic() - begin:.1f} s).\n"
            f"Gathering {_WINDOW} of samples.\n"
        )
        no_walks = forbids_walks()
        for settling, count in [(_SETTLING, containers), (_SETTLING_EDGE, 0 if no_walks else 1)]:
            wait_for(
                lambda s=settling, n=count: _has_a_window(collector.raw(s), n),
                lambda s=settling, n=count: f"{n} series with {_WINDOW} of samples: "
                f"{brief(collector.raw(s))}; the agent's log:\n{agent.log()}",
                _DATA_TIMEOUT_S,
                0.2,
            )
        for title, remark, expression, of_open_connections in _QUESTIONS:
            ask(
                collector,
                title,
                NO_OPEN_CONNECTIONS if of_open_connections and no_walks else remark,
                expression,
            )
        if keep:
            _wait_for_interrupt(cluster, collector)


def _wait_for_interrupt(cluster, collector):
    _say(
        f"Everything stays up until Ctrl-C. Try:\n"
        f"  {paths.program('leadline')} query --collector {collector.url} 'topk(10, sum by (syscall) "
        f"(rate(container_syscalls_total[15s])))'\n"
        f"  curl '{collector.url}/api/v1/label/controller/values'\n"
        f"  kubectl --server {cluster.api.url} get pods -A -o wide\n"
        f"Grafana: a Prometheus data source at {collector.url}"
    )
    show.wait_for_stop()
    _say("Taking everything down.")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "bin_dir", nargs="?", help="where the programs were built, as build/release/bin"
    )
    parser.add_argument("--keep", action="store_true", help="leave everything up until Ctrl-C")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("demo.py: containers and BPF need root", file=sys.stderr)
        return 1
    if args.bin_dir:
        os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    return show.main("demo", lambda: run(args.keep))


if __name__ == "__main__":
    sys.exit(main())
