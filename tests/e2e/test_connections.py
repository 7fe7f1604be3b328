"""TCP connections and UDP between pods against what the programs in them counted."""

import itertools
import unittest

from leadline_case import LeadlineCase
from minicluster import cgroups, objects as o, wait_for
from programs import forbids_walks

_BY = ("namespace", "controller", "container")
_BY_PEER = ("controller", "peer_type", "peer_namespace", "peer_workload", "peer_pod")


def _program(name, program, *args):
    return o.container(name, f"/bin/{program}", *args, "--result", f"/results/{name}")


def _tcp(name, *args):
    return _program(name, "tcp", *args)


class _Case(LeadlineCase):
    def serve(self, namespace, name, **options):
        """A server's pod, which listens."""
        self.cluster.apply(
            o.deployment(namespace, name, _tcp("server", "--serve", "8080"), **options)
        )
        pod = self.cluster.wait_pods(1, namespace, app=name)[0]
        self.cluster.wait_result(pod, "server", until=lambda r: r.started_ns)
        return pod

    def sums(self, metric, namespace, *by, **labels):
        matchers = {"namespace": namespace, "cluster": self.cluster.name, **labels}
        selector = ",".join(f'{k}="{v}"' for k, v in matchers.items())
        return self.collector.by(f"sum by ({', '.join(by)}) ({metric}{{{selector}}})", *by)

    def wait_sums(self, metric, namespace, want, by=_BY, **labels):
        wait_for(
            lambda: self.sums(metric, namespace, *by, **labels) == want,
            lambda: f"{metric} {labels}: {want}; it is {self.sums(metric, namespace, *by, **labels)}",
            30,
            0.2,
        )


class Datagrams(_Case):
    def test_both_ways_between_two_pods(self):
        server = self.cluster.apply(
            o.pod("dgrams", "server", _program("server", "udp", "--serve", "5353"))
        )
        self.cluster.wait_result(server, "server", until=lambda r: r.started_ns)
        ip = self.cluster.wait_pods(1, "dgrams", app="server")[0]["status"]["podIP"]
        self.cluster.apply(
            o.deployment(
                "dgrams",
                "client",
                _program(
                    "sender", "udp", "--to", f"{ip}:5353", "--bytes", "700", "--datagrams", "300"
                ),
            )
        )
        pod = self.cluster.wait_pods(1, "dgrams", app="client")[0]
        sender = self.cluster.wait_result(pod, "sender")
        self.assertEqual((sender.count, sender.second), (210_000, 300))
        by = ("controller", "container", "role", "local_port", "remote_address", "remote_port")
        ends = [
            ("client", "sender", "client", "", ip, "5353"),
            ("", "server", "server", "5353", "", ""),
        ]
        for metric, figures in {
            "container_udp_sent_datagrams_total": (300, 300),
            "container_udp_received_datagrams_total": (300, 300),
            "container_udp_sent_bytes_total": (210_000, 300),
            "container_udp_received_bytes_total": (300, 210_000),
        }.items():
            self.wait_sums(metric, "dgrams", dict(zip(ends, figures)), by)


class Connections(_Case):
    def test_runtimes_and_cgroup_styles(self):
        """Each client sends its own number of bytes over its own number of connections to its own server,
        and is refused by its server's host its own number of times."""
        clients, servers = {}, {}
        for i, (runtime, style) in enumerate(itertools.product(("runc", "crun"), cgroups.STYLES)):
            options = {"runtime": runtime, "cgroup_style": style}
            server, client = f"server-{runtime}-{style}", f"client-{runtime}-{style}"
            ip = self.serve("conns", server, **options)["status"]["podIP"]
            self.cluster.apply(
                o.deployment(
                    "conns",
                    client,
                    _tcp(
                        "sender",
                        *("--to", f"{ip}:8080"),
                        *("--bytes", str(300_000 + 1000 * i)),
                        *("--connections", str(20 + i)),
                    ),
                    _tcp("refused", "--refused", f"{ip}:8081", "--connections", str(7 + i)),
                    **options,
                )
            )
            servers[server], clients[client] = 20 + i, (20 + i, 7 + i, 300_000 + 1000 * i)
        connects, accepts, refused = {}, {}, {}
        for client, (connections, tries, bytes_each) in clients.items():
            pod = self.cluster.wait_pods(1, "conns", app=client)[0]
            sender = self.cluster.wait_result(pod, "sender")
            self.assertEqual((sender.count, sender.second), (connections * bytes_each, connections))
            self.assertEqual(self.cluster.wait_result(pod, "refused").second, tries)
            connects[("conns", client, "sender")] = connections
            refused[("conns", client, "refused")] = tries
        for server, connections in servers.items():
            accepts[("conns", server, "server")] = connections
        self.wait_sums("container_tcp_connects_total", "conns", connects)
        self.wait_sums("container_tcp_accepts_total", "conns", accepts)
        self.wait_sums("container_tcp_connect_failures_total", "conns", refused, reason="refused")
        self.wait_sums("container_tcp_closed_connections_total", "conns", {**connects, **accepts})
        self.assertEqual(self.sums("container_tcp_connection_failures_total", "conns"), {})

        sent = {
            ("conns", client, "sender"): n * bytes_each
            for client, (n, _, bytes_each) in clients.items()
        }
        received = {
            ("conns", client.replace("client", "server"), "server"): total
            for (_, client, _), total in sent.items()
        }
        # An answer of a byte a connection goes the other way.
        self.assert_bytes("container_tcp_sent_bytes_total", {**sent, **accepts})
        self.assert_bytes("container_tcp_received_bytes_total", {**received, **connects})
        rtts = self.collector.by(
            f'sum by (role) (histogram_count(container_tcp_rtt_seconds{{cluster="{self.cluster.name}"}}))',
            "role",
        )
        self.assertGreaterEqual(rtts[("client",)], sum(connects.values()))
        self.assertGreaterEqual(rtts[("server",)], sum(accepts.values()))

    def assert_bytes(self, metric, want):
        got = self.sums(metric, "conns", *_BY)
        self.assertEqual(got.keys(), want.keys(), metric)
        for owner, value in want.items():
            self.assertAlmostEqual(got[owner], value, delta=value / 100, msg=f"{metric} {owner}")

    def test_peers_are_told_by_address_and_service_port(self):
        pod = self.serve("peers", "server")
        ip = pod["status"]["podIP"]
        self.cluster.apply(
            o.deployment(
                "peers",
                "client",
                _tcp("sender", "--to", f"{ip}:8080", "--bytes", "1000", "--connections", "9"),
            )
        )
        client_ip = self.cluster.wait_pods(1, "peers", app="client")[0]["status"]["podIP"]
        by = ("controller", "role", "local_port", "remote_address", "remote_port")
        self.wait_sums(
            "container_tcp_closed_connections_total",
            "peers",
            {
                ("client", "client", "", ip, "8080"): 9,
                ("server", "server", "8080", client_ip, ""): 9,
            },
            by,
        )
        client = self.cluster.wait_pods(1, "peers", app="client")[0]["metadata"]["name"]
        self.wait_sums(
            "container_tcp_connects_total",
            "peers",
            {("client", "pod", "peers", "server", pod["metadata"]["name"]): 9},
            _BY_PEER,
        )
        self.wait_sums(
            "container_tcp_accepts_total",
            "peers",
            {("server", "pod", "peers", "client", client): 9},
            _BY_PEER,
        )

    def test_peers_that_are_no_pod(self):
        """The pod's node by the address that the API has of it, and the pod itself."""
        self.cluster.apply(
            o.deployment(
                "strangers",
                "client",
                _tcp("node", "--refused", "10.244.0.1:9", "--connections", "3"),
                _tcp("local", "--refused", "127.0.0.1:9", "--connections", "5"),
            )
        )
        pod = self.cluster.wait_pods(1, "strangers", app="client")[0]
        self.assertEqual(self.cluster.wait_result(pod, "node").second, 3)
        self.wait_sums(
            "container_tcp_connect_failures_total",
            "strangers",
            {("node", "node", self.cluster.node_name): 3, ("local", "local", ""): 5},
            ("container", "peer_type", "peer_node"),
        )

    def test_both_ends_in_one_pod(self):
        pod = self.cluster.apply(
            o.pod(
                "lo",
                "both",
                _tcp("server", "--serve", "8080"),
                _tcp("sender", "--to", "127.0.0.1:8080", "--bytes", "1000", "--connections", "11"),
            )
        )
        self.cluster.wait_result(pod, "sender")
        by = ("container", "role", "local_port", "remote_address", "remote_port")
        ends = {
            ("sender", "client", "", "127.0.0.1", "8080"): 11,
            ("server", "server", "8080", "127.0.0.1", ""): 11,
        }
        self.wait_sums("container_tcp_closed_connections_total", "lo", ends, by)


class OlderThanTheAgent(_Case):
    with_agent = False

    @classmethod
    def setUpClass(cls):
        if forbids_walks():
            raise unittest.SkipTest("this kernel forbids iterators over maps")
        super().setUpClass()

    def test_connections_that_were_opened_before_the_agent_started(self):
        pods = []
        for name in ("one", "two"):
            ip = self.serve("old", f"server-{name}")["status"]["podIP"]
            self.cluster.apply(
                o.deployment("old", name, _tcp("steady", "--to", f"{ip}:8080", "--rate", "200000"))
            )
            pods.append(self.cluster.wait_pods(1, "old", app=name)[0])
        for pod in pods:
            self.cluster.wait_result(pod, "steady", until=lambda r: r.count > 100_000)
        self.agent.up()
        ends = {
            (end, role, port): 1
            for name in ("one", "two")
            for end, role, port in ((name, "client", "8080"), (f"server-{name}", "server", ""))
        }
        self.wait_sums(
            "container_tcp_connections", "old", ends, ("controller", "role", "remote_port")
        )
        by = ("controller",)

        def sent():
            return self.sums("container_tcp_sent_bytes_total", "old", *by)

        first = wait_for(lambda: len(sent()) == 2 and sent(), lambda: f"both: {sent()}", 30, 0.2)
        wait_for(
            lambda: all(sent()[owner] > value for owner, value in first.items()),
            lambda: f"more than {first}: {sent()}",
            30,
            0.2,
        )
        counted = sent()
        for name, pod in zip(("one", "two"), pods):
            written = self.cluster.result(pod, "steady").count
            self.assertLess(counted[(name,)], written - 100_000, "what came before is not counted")
        self.assertEqual(self.sums("container_tcp_connects_total", "old", *by), {})


if __name__ == "__main__":
    unittest.main()
