"""Static pods, pods of the host's network, and each kind of container that a pod may have."""

import unittest

from leadline_case import VISIBLE_TIMEOUT_S, LeadlineCase
from minicluster import cgroups, objects as o, wait_for
from programs import brief


class PodKinds(LeadlineCase):
    def check(self, call, namespace, want, *by):
        """That the calls counted are exactly `want`, by the labels."""
        selector = self.selector(call, namespace=namespace)
        wait_for(
            lambda: self.counted(selector) == sum(want.values()),
            lambda: f"{want}; there are {brief(self.collector.raw(selector))}",
            VISIBLE_TIMEOUT_S,
            0.1,
        )
        self.assert_increase(call, want, by=by, namespace=namespace)

    def test_a_static_pod_is_known_by_the_hash_that_its_cgroup_carries(self):
        node = self.cluster.get("Node", "", self.cluster.node_name)
        want = {}
        for i, style in enumerate(cgroups.STYLES):
            # The kubelet's hash is not a UUID; this one is swept with the cluster's.
            config_hash = f"{self.cluster.node.tag}{i:024x}"
            pod = self.cluster.apply(
                o.static_pod(
                    "static",
                    f"etcd-{style}",
                    node,
                    config_hash,
                    o.calls("getpriority", count=70 + i),
                    cgroup_style=style,
                )
            )
            self.assertNotEqual(pod["metadata"]["uid"], config_hash)
            want[(pod["metadata"]["name"], "Node", "node-1", "staticpod", "app")] = 70 + i
        labels = ("pod", "owner_kind", "owner_name", "workload_type", "container")
        self.check("getpriority", "static", want, *labels)

    def test_init_sidecar_and_ephemeral_containers_are_told_apart(self):
        sidecar = o.calls("getitimer", name="proxy", count=22)
        self.cluster.apply(
            o.pod(
                "kinds",
                "all",
                o.calls("getitimer", name="app", count=33),
                init_containers=(
                    o.calls("getitimer", name="migrate", count=11, hold=False),
                    {**sidecar, "restartPolicy": "Always"},
                ),
            )
        )
        self.cluster.wait_pods(1, "kinds")

        def debug(obj):
            obj["spec"]["ephemeralContainers"] = [o.calls("getitimer", name="debug", count=44)]

        self.cluster.change("Pod", "kinds", "all", debug)
        want = {("migrate",): 11, ("proxy",): 22, ("app",): 33, ("debug",): 44}
        self.check("getitimer", "kinds", want, "container")
        self.assert_increase(
            "getitimer", {("all", "all"): 110}, by=("pod", "workload"), namespace="kinds"
        )
        status = self.cluster.get("Pod", "kinds", "all")["status"]
        names = [s["name"] for s in status["initContainerStatuses"]]
        self.assertEqual(names, ["migrate", "proxy"])
        self.assertEqual(status["ephemeralContainerStatuses"][0]["name"], "debug")

    def test_a_pod_of_the_hosts_network_has_its_counts_and_no_network_of_its_own(self):
        self.cluster.apply(
            o.pod("host", "agent", o.calls("times", count=12), host_network=True),
            o.pod("host", "other", o.calls("times", count=13)),
        )
        self.check("times", "host", {("agent",): 12, ("other",): 13}, "pod")
        received = 'container_network_receive_packets_total{namespace="host"}'
        wait_for(lambda: self.collector.query(received), "the other pod's network", 30, 0.1)
        self.assertEqual(set(self.collector.by(f"max by (pod) ({received})", "pod")), {("other",)})

    def test_a_pods_sandbox_is_the_pods_and_no_named_container(self):
        self.cluster.apply(o.pod("pause", "web", o.calls("getpgrp", count=5)))
        self.check("getpgrp", "pause", {("app",): 5}, "container")
        seen = 'container_processes{namespace="pause",pod="web"}'
        wait_for(
            lambda: self.collector.by(f"sum by (container) ({seen})", "container")
            == {("app",): 1, ("",): 1},
            lambda: f"each of the pod's two containers once: {self.collector.query(seen)}",
            30,
            0.1,
        )
        self.assertEqual(self.collector.by(f"sum by (pod) ({seen})", "pod"), {("web",): 2})

    def test_an_address_that_is_used_again_brings_nothing_of_its_former_pod(self):
        """Two servers one after the other at one address, each with its own client and bytes."""
        sent = {"first": 4 << 20, "second": 1 << 20}
        addresses = set()
        for name, size in sent.items():
            self.cluster.apply(
                o.pod(
                    "reuse",
                    name,
                    o.container("app", "/bin/tcp", "--serve", "80", "--result", "/results/server"),
                )
            )
            address = self.cluster.wait_pods(1, "reuse", app=name)[0]["status"]["podIP"]
            addresses.add(address)
            client = o.container(
                *("app", "/bin/tcp", "--to", f"{address}:80", "--bytes", str(size)),
                *("--result", "/results/client"),
            )
            client = self.cluster.apply(o.pod("reuse", f"to-{name}", client))
            self.cluster.wait_result(client, "client")
            received = (
                f'container_network_receive_bytes_total{{pod="{name}",interface="eth0",'
                f'cluster="{self.cluster.name}"}}'
            )
            wait_for(
                lambda: size <= self.counted(received) <= size * 1.25,
                lambda: f"{size} bytes of {name}: {self.collector.raw(received)}",
                30,
                0.1,
            )
            self.cluster.delete("Pod", "reuse", name)
            self.cluster.wait_gone("Pod", "reuse", name)
            self.cluster.kubelet.network.take_next(address)
        self.assertEqual(len(addresses), 1)


if __name__ == "__main__":
    unittest.main()
