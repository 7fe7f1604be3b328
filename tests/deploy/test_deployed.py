"""The manifests at work: collector and agent as pods of a cluster, by nothing but what they say."""

import copy
import http.client
import json
import os
import shutil
import socket
import ssl
import tempfile
import unittest
import urllib.parse

import images
import manifests
from minicluster import Cluster, objects as o, wait_for
from minicluster.in_cluster import in_network_of
from programs import forbids_walks

TIMEOUT_S = 60
NAMESPACE = "leadline"
_CAP_SYS_RESOURCE = 24  # include/uapi/linux/capability.h


def has_capability(number):
    with open("/proc/self/status", encoding="ascii") as f:
        bounding = next(line.split()[1] for line in f if line.startswith("CapBnd:"))
    return bool(int(bounding, 16) >> number & 1)


def containers(obj):
    return obj["spec"]["template"]["spec"]["containers"]


class Deployed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="leadline-deployed-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.objects = {(x["kind"], x["metadata"]["name"]): x for x in manifests.load()}
        cls.agent = copy.deepcopy(cls.objects["DaemonSet", "leadline-agent"])
        cls.collector = copy.deepcopy(cls.objects["StatefulSet", "leadline-collector"])
        made = {}
        for workload in (cls.agent, cls.collector):
            image = containers(workload)[0]["image"]
            name = image.partition(":")[0]
            made[image] = images.make(name, os.path.join(cls.folder, name))
        cls.cluster = Cluster(in_cluster=True, images=made)
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.up()
        cls.secrets = os.path.join(cls.folder, "secrets")
        cls.cluster.apply(*manifests.make_secrets(cls.secrets), cls.collector)
        (cls.collector_pod,) = cls.cluster.wait_pods(1, NAMESPACE)
        cls.wait_probe(cls.collector_pod, "startupProbe")
        cls.start_agent()

    @classmethod
    def start_agent(cls):
        spec = cls.agent["spec"]["template"]["spec"]
        # The cluster has no name service; its Service's one pod is where the name would lead.
        spec["hostAliases"] = [
            {
                "ip": cls.collector_pod["status"]["podIP"],
                "hostnames": ["leadline-collector.leadline.svc"],
            }
        ]
        # Nothing is left on this machine.
        state = next(v for v in spec["volumes"] if v["name"] == "state")
        state["hostPath"]["path"] = os.path.join(cls.folder, "agent-state")
        (container,) = containers(cls.agent)
        container["args"].append("--interval=1s")
        # For old kernels only, and a machine that is a container itself may not have it to give.
        if not has_capability(_CAP_SYS_RESOURCE):
            container["securityContext"]["capabilities"]["add"].remove("SYS_RESOURCE")
        cls.cluster.apply(cls.agent)
        cls.agent_pod = wait_for(
            lambda: next(
                (
                    p
                    for p in cls.cluster.wait_pods(2, NAMESPACE)
                    if p["metadata"]["name"].startswith("leadline-agent-")
                ),
                None,
            ),
            lambda: f"the agent's pod: {cls.cluster.describe(NAMESPACE)}",
        )
        cls.wait_probe(cls.agent_pod, "readinessProbe")

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > failures:
            for pod in (self.collector_pod, self.agent_pod):
                print(
                    f"\n--- {pod['metadata']['name']}, the end of its log ---\n{self.log(pod)[-4000:]}"
                )

    @classmethod
    def log(cls, pod):
        return cls.cluster.pod_log(pod["metadata"]["namespace"], pod["metadata"]["name"])

    # --- as the kubelet and users reach them ---

    @classmethod
    def get(cls, pod, port_name, path, token=None):
        """(status, body) of a pod's named port, asked from the node; without a token as probes do."""
        ports = {p["name"]: p["containerPort"] for p in pod["spec"]["containers"][0]["ports"]}
        address = (pod["status"]["podIP"], ports[port_name])
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.sock = cls.connect(address, token is not None)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    @classmethod
    def connect(cls, address, trusting):
        """TLS; a kubelet does not look at the certificate."""
        plain = in_network_of(cls.cluster.node.pid, lambda: socket.create_connection(address, 10))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        if trusting:
            context.load_verify_locations(os.path.join(cls.secrets, "ca.crt"))
        else:
            context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(plain)

    def reader_token(self):
        with open(os.path.join(self.secrets, "reader.token"), encoding="ascii") as f:
            return f.read().strip()

    @classmethod
    def wait_probe(cls, pod, probe):
        request = pod["spec"]["containers"][0][probe]["httpGet"]

        def answers():
            try:
                return cls.get(pod, request["port"], request["path"])
            except OSError as e:
                return None, str(e)

        wait_for(
            lambda: answers()[0] == 200,
            lambda: f"{probe} of {pod['metadata']['name']}: {answers()}; its log:\n{cls.log(pod)}",
            TIMEOUT_S,
        )

    def query(self, expression):
        path = f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        status, body = self.get(self.collector_pod, "http", path, self.reader_token())
        self.assertEqual(status, 200, body)
        return {
            tuple(sorted(e["metric"].items())): float(e["value"][1])
            for e in json.loads(body)["data"]["result"]
        }

    def wait_query(self, expression, condition):
        wait_for(
            lambda: condition(self.query(expression)),
            lambda: f"{expression}: {self.query(expression)}\n{self.log(self.agent_pod)}",
            TIMEOUT_S,
        )

    # --- what they do ---

    def test_the_probes_pass(self):
        for pod in (self.collector_pod, self.agent_pod):
            for probe in ("livenessProbe", "readinessProbe"):
                self.wait_probe(pod, probe)

    def test_nothing_is_told_without_a_token(self):
        for pod, path in ((self.collector_pod, "/api/v1/labels"), (self.agent_pod, "/metrics")):
            self.assertEqual(self.get(pod, "http", path)[0], 401)
            self.assertEqual(self.get(pod, "http", path, "wrong")[0], 401)

    def test_a_container_is_counted_and_named(self):
        """Probes, cgroups, the API server by the service account, the collector by its Service."""
        self.cluster.apply(o.deployment("shop", "web", o.calls("getpriority", count=432)))
        (pod,) = self.cluster.wait_pods(1, "shop", app="web")
        self.cluster.wait_result(pod, "getpriority")
        self.wait_query(
            'sum by (namespace, controller) (container_syscalls_total{syscall="getpriority",'
            'namespace="shop"})',
            lambda v: v == {(("controller", "web"), ("namespace", "shop")): 432},
        )
        self.wait_query(
            'container_memory_working_set_bytes{namespace="shop",container="app"}',
            lambda v: len(v) == 1,
        )
        self.wait_query(
            'container_network_receive_bytes_total{namespace="shop",interface="eth0"}',
            lambda v: len(v) == 1,
        )

    def test_the_collector_knows_the_cluster(self):
        """By its own service account."""

        def objects(resource):
            _, text = self.get(self.collector_pod, "http", "/metrics", self.reader_token())
            name = f'leadline_collector_kube_objects{{resource="{resource}"}} '
            return [float(l[len(name) :]) for l in text.splitlines() if l.startswith(name)]

        wait_for(
            lambda: objects("pods") >= [2.0],
            lambda: f"{objects('pods')}\n{self.log(self.collector_pod)}",
            TIMEOUT_S,
        )

    def test_the_node_is_seen_not_the_pod(self):
        """The agent has a network and mounts of its own; what it reports is the node's."""
        self.wait_query(
            'count(node_network_receive_bytes_total{device="cni0"})',
            lambda v: list(v.values()) == [1],
        )
        self.wait_query("count(node_filesystem_size_bytes)", lambda v: v and min(v.values()) > 0)

    def test_they_are_pods_like_others(self):
        self.wait_query(
            'sum by (controller) (container_memory_working_set_bytes{namespace="leadline"})',
            lambda v: v.keys()
            == {(("controller", "leadline-agent"),), (("controller", "leadline-collector"),)},
        )

    def test_every_probe_is_attached(self):
        status, metrics = self.get(self.agent_pod, "http", "/metrics", self.reader_token())
        self.assertEqual(status, 200)
        attached = [
            line
            for line in metrics.splitlines()
            if line.startswith("leadline_agent_probe_attached{")
        ]
        self.assertTrue(attached)
        missing = [line for line in attached if not line.endswith(" 1")]
        # Some kernels let nobody iterate over a map.
        self.assertLessEqual(len(missing), 1, missing)
        for line in missing:
            self.assertIn('probe="tcp_walk"', line)
            self.assertTrue(forbids_walks(), line)


if __name__ == "__main__":
    unittest.main()
