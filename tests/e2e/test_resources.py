"""CPU, memory and network against what the workloads did."""

import os
import subprocess
import unittest

from leadline_case import LeadlineCase
from minicluster import cgroups, objects as o, paths, wait_for

MIB = 1 << 20


class Resources(LeadlineCase):
    def value(self, expression, *labels):
        return self.collector.by(expression, *labels)

    def wait_sum(self, expression, low, high):
        def in_range():
            values = list(self.collector.query(expression).values())
            return len(values) == 1 and low <= values[0] <= high

        wait_for(
            in_range,
            lambda: f"{low} <= {expression} <= {high}: {self.collector.query(expression)}",
            30,
            0.2,
        )

    def test_cpu(self):
        """400 and 800 ms of CPU; the runtime's start of the container is in the group as well."""
        for name, cpu_ms in (("small", 400), ("large", 800)):
            self.cluster.apply(
                o.deployment(
                    "cpu",
                    name,
                    o.container(
                        "app", "/bin/burn", "--cpu-ms", str(cpu_ms), "--result", "/results/burn"
                    ),
                )
            )
        for name in ("small", "large"):
            pod = self.cluster.wait_pods(1, "cpu", app=name)[0]
            used_s = self.cluster.wait_result(pod, "burn").count / 1e9
            selector = f'container_cpu_usage_seconds_total{{namespace="cpu",controller="{name}",container="app"}}'
            self.wait_sum(f"sum({selector})", used_s, used_s + 0.2)

    def test_an_unfiltered_sum_counts_nothing_twice(self):
        """Only leaf containers have series: no pod, class or root totals."""
        pod = self.cluster.apply(
            o.pod(
                "sum",
                "one",
                o.container("app", "/bin/burn", "--cpu-ms", "500", "--result", "/results/burn"),
            )
        )
        used_s = self.cluster.wait_result(pod, "burn").count / 1e9
        self.wait_sum(
            'sum(container_cpu_usage_seconds_total{namespace="sum"})', used_s, used_s + 0.25
        )

    def test_memory(self):
        pod = self.cluster.apply(
            o.pod(
                "memory",
                "holder",
                o.container(
                    "app",
                    "/bin/hold",
                    "--mib",
                    "48",
                    "--result",
                    "/results/hold",
                    limits={"memory": "128Mi"},
                ),
            )
        )
        held = self.cluster.wait_result(pod, "hold").count
        self.assertEqual(held, 48 * MIB)
        labels = '{namespace="memory",pod="holder",container="app"}'
        self.wait_sum(f"container_memory_rss{labels}", held, held + 4 * MIB)
        self.wait_sum(f"container_memory_working_set_bytes{labels}", held, held + 8 * MIB)
        self.wait_sum(f"container_memory_usage_bytes{labels}", held, held + 8 * MIB)
        self.wait_sum(f"container_spec_memory_limit_bytes{labels}", 128 * MIB, 128 * MIB)

    def test_network(self):
        sent = 8 * MIB
        self.cluster.apply(
            o.pod(
                "net",
                "server",
                o.container("app", "/bin/tcp", "--serve", "8080", "--result", "/results/server"),
                o.container("second", "/bin/pause"),
            )
        )
        ip = self.cluster.wait_pods(1, "net", app="server")[0]["status"]["podIP"]
        client = self.cluster.apply(
            o.deployment(
                "net",
                "client",
                o.container(
                    "app",
                    "/bin/tcp",
                    "--to",
                    f"{ip}:8080",
                    "--bytes",
                    str(sent),
                    "--result",
                    "/results/client",
                ),
            )
        )
        client = self.cluster.wait_pods(1, "net", app="client")[0]
        self.assertEqual(self.cluster.wait_result(client, "client").count, sent)
        # Headers and acknowledgements come on top; a pod with two containers counts once.
        margin = sent // 4
        eth0 = 'interface="eth0"'
        self.wait_sum(
            f'sum(container_network_transmit_bytes_total{{namespace="net",controller="client",{eth0}}})',
            sent,
            sent + margin,
        )
        self.wait_sum(
            f'sum(container_network_receive_bytes_total{{namespace="net",pod="server",{eth0}}})',
            sent,
            sent + margin,
        )
        self.assertEqual(
            self.collector.query('sum(container_network_receive_errors_total{namespace="net"})'),
            {(): 0.0},
        )

    def test_a_container_in_a_container_counts_once(self):
        """As Docker in a pod has it: its figures are within those of the pod's container."""
        pod = self.cluster.apply(o.pod("dind", "outer", o.container("app", "/bin/pause")))
        self.cluster.wait_pods(1, "dind")
        inner = f"{self.cluster.container(pod).cgroup}/docker/{'d' * 64}"
        self.addCleanup(cgroups.remove, os.path.dirname(inner))
        join = []
        for hierarchy in cgroups.hierarchies():
            if "cpuset" in hierarchy:
                continue  # a new group there takes no process before it has been given CPUs
            os.makedirs(hierarchy + inner)
            join.append(f"echo 0 > {hierarchy}{inner}/cgroup.procs")
        burn = os.path.join(paths.rootfs(), "bin", "burn")
        result = os.path.join(self.folder, "dind")
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "sh", "-c", " && ".join([*join, 'exec "$@"']), "sh"]
            + [burn, "--cpu-ms", "500", "--result", result]
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_sum('sum(container_cpu_usage_seconds_total{namespace="dind"})', 0.5, 0.75)
        self.wait_sum('sum(container_processes{namespace="dind",container="app"})', 2, 2)
        series = 'container_cpu_usage_seconds_total{namespace="dind"}'
        self.assertEqual(
            self.value(f"count by (container) ({series})", "container"),
            {("app",): 1.0, ("",): 1.0},
            "the pod's container and its sandbox",
        )

    def test_the_hosts_network_is_nobodys(self):
        self.cluster.apply(
            o.daemon_set("hostnet", "agent", o.container("app", "/bin/pause"), host_network=True),
            o.deployment("hostnet", "normal", o.container("app", "/bin/pause")),
        )
        self.cluster.wait_pods(2, "hostnet")
        series = 'container_network_receive_bytes_total{namespace="hostnet"}'
        seen = 'count by (controller) (container_memory_rss{namespace="hostnet",container="app"})'
        wait_for(
            lambda: len(self.value(seen, "controller")) == 2 and self.value(series, "controller"),
            "both pods and the network of one",
            30,
            0.2,
        )
        self.assertEqual(
            set(self.value(f"count by (controller) ({series})", "controller")), {("normal",)}
        )


if __name__ == "__main__":
    unittest.main()
