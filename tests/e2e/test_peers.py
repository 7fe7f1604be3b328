"""Who the peers are that the agent's own node does not know, by the collector's watch of the cluster.

There is one node of real containers. What the API says is on another node, and addresses of services,
are answered by a server in the node's own network, without NAT: to the socket of a client, which is
all that an edge is told by, that makes no difference.
"""

import unittest

from leadline_case import LeadlineCase
from minicluster import objects as o, wait_for
from minicluster.controllers import owner_reference
from programs import Collector

_FAR, _CLUSTER_IP, _NODE = "10.244.1.7", "10.96.0.10", "10.244.0.1"
_PORT, _NODE_PORT = 8080, 30080
_PEER = ("type", "node", "namespace", "pod", "service", "workload", "workload_type")


def _tcp(name, *args):
    return o.container(name, "/bin/tcp", *args, "--result", f"/results/{name}")


def _to(name, address, port, connections):
    target = ("--to", f"{address}:{port}", "--bytes", "1000", "--connections", str(connections))
    return _tcp(name, *target)


def _far_pod(name, node, *owners):
    """A pod that nothing runs, as another node's kubelet has it in the API."""
    pod = o.pod("far", name, _tcp("server", "--serve", str(_PORT)))
    pod["metadata"]["ownerReferences"] = [owner_reference(owner) for owner in owners]
    pod["spec"]["nodeName"] = node
    pod["status"] = {
        "phase": "Running",
        "podIP": _FAR,
        "podIPs": [{"ip": _FAR}],
        "hostIP": "10.244.0.250",
    }
    return pod


class Peers(LeadlineCase):
    @classmethod
    def new_collector(cls):
        kubernetes = ("-k", cls.cluster.api.url, "--cluster", cls.cluster.name)
        return Collector(f"{cls.folder}/collector", kubernetes)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address in (_FAR, _CLUSTER_IP):
            cls.cluster.node.run(["ip", "addr", "add", f"{address}/32", "dev", "cni0"])
        servers = [_tcp(f"server-{port}", "--serve", str(port)) for port in (_PORT, _NODE_PORT)]
        cls.cluster.apply(o.pod("front", "front", *servers, host_network=True))
        (front,) = cls.cluster.wait_pods(1, "front")
        for port in (_PORT, _NODE_PORT):
            cls.cluster.wait_result(front, f"server-{port}", until=lambda r: r.started_ns)

    def connects(self, namespace):
        """By container and peer; what is not said of a peer is left out of its end."""
        by = ("container", *(f"peer_{what}" for what in _PEER))
        selector = f'cluster="{self.cluster.name}",namespace="{namespace}",role="client"'
        return self.collector.by(
            f"sum by ({', '.join(by)}) (container_tcp_connects_total{{{selector}}})", *by
        )

    def wait_connects(self, namespace, want):
        wait_for(
            lambda: self.connects(namespace) == want,
            lambda: f"{want}; it is {self.connects(namespace)}",
            30,
            0.2,
        )

    def test_pods_of_other_nodes_and_services_are_named(self):
        owner = self.cluster.apply(o.cron_job("far", "nightly"))
        self.cluster.apply(_far_pod("db-0", "node-2", owner))
        self.cluster.apply(o.deployment("shop", "web", o.calls("getppid", count=1), replicas=2))
        pods = self.cluster.wait_pods(2, "shop", app="web")
        self.cluster.apply(
            o.service("shop", "web", _PORT, _CLUSTER_IP, _NODE_PORT),
            o.endpoint_slice("shop", "web", pods),
        )
        self.cluster.apply(
            o.deployment(
                "peers",
                "client",
                _to("far", _FAR, _PORT, 4),
                _to("service", _CLUSTER_IP, _PORT, 5),
                _to("port", _NODE, _NODE_PORT, 6),
                _to("node", _NODE, _PORT, 7),
            )
        )
        node = self.cluster.node_name
        self.wait_connects(
            "peers",
            {
                ("far", "pod", "node-2", "far", "db-0", "", "nightly", "cronjob"): 4,
                ("service", "service", "", "shop", "", "web", "web", "deployment"): 5,
                ("port", "service", "", "shop", "", "web", "web", "deployment"): 6,
                ("node", "node", node, "", "", "", "", ""): 7,
            },
        )
        for resource in ("pods", "services", "endpointslices"):
            for what in ("lists", "watches"):
                metric = f"leadline_collector_kube_{what}_total"
                self.assertEqual(self.collector.metric(metric, resource=resource), 1, metric)
        self.assertGreaterEqual(self.agent.metric("leadline_agent_meta_asked_peers"), 4)

        # Another pod has the address, and a restarted agent and collector say so.
        self.cluster.delete("Pod", "far", "db-0", gracePeriodSeconds=0)
        self.cluster.apply(_far_pod("cache-0", "node-3"))
        self.collector.kill()
        self.collector.up()
        self.cluster.apply(o.deployment("later", "client", _to("far", _FAR, _PORT, 3)))
        self.wait_connects(
            "later", {("far", "pod", "node-3", "far", "cache-0", "", "cache-0", "pod"): 3}
        )


if __name__ == "__main__":
    unittest.main()
