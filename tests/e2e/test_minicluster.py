"""The cluster itself: how fast it comes, what it runs, and that nothing stays behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from minicluster import Cluster, call_table, cgroups, fixture, paths, wait_for
from minicluster import objects as o
from minicluster.node import sweep

UP_LIMIT_S = 5
_HERE = os.path.dirname(os.path.abspath(__file__))


def processes_with(text):
    """Pids whose command line or environment of namespaces belongs to the cluster with this tag."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8") as f:
                groups = f.read()
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                command = f.read().decode(errors="replace")
        except OSError:
            continue
        if f"pod{text}" in groups or f"/{text}" in command:
            found.append((pid, command))
    return found


def namespace_ids(kind):
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            continue
    return found


class UpAndDown(unittest.TestCase):
    def test_comes_up_with_the_fixture_in_time_and_leaves_nothing(self):
        begin = time.monotonic()
        with Cluster() as cluster:
            cluster.apply(*fixture.standard())
            cluster.wait_pods(fixture.PODS)
            took_s = time.monotonic() - begin
            tag, state = cluster.node.tag, cluster.node.dir
            self.assertTrue(cgroups.tagged(tag))
            self.assertTrue(processes_with(tag))
        print(f"node, API and {fixture.PODS} pods up in {took_s:.2f} s", file=sys.stderr)
        self.assertLess(took_s, UP_LIMIT_S)
        self.assertEqual(cgroups.tagged(tag), [])
        self.assertEqual(processes_with(tag), [])
        self.assertFalse(os.path.exists(state))

    def test_two_at_once_do_not_collide(self):
        with Cluster() as one, Cluster() as two:
            for cluster in (one, two):
                cluster.apply(o.pod("default", "same", o.calls("times", count=3)))
            for cluster in (one, two):
                pod = cluster.wait_pods(1)[0]
                self.assertEqual(cluster.wait_result(pod, "times").count, 3)
            self.assertNotEqual(one.node.tag, two.node.tag)
            self.assertNotEqual(one.api.port, two.api.port)
            one.down()
            self.assertTrue(cgroups.tagged(two.node.tag))
            two.apply(o.pod("default", "after", o.calls("times", count=4)))
            two.wait_pods(2)

    def test_a_failed_start_cleans_up(self):
        cluster = Cluster()
        cluster._make_system_objects = lambda: 1 / 0
        with self.assertRaises(ZeroDivisionError):
            cluster.up()
        self.assertEqual(cgroups.tagged(cluster.node.tag), [])
        self.assertFalse(os.path.exists(os.path.join(paths.state_root(), cluster.node.tag)))


class Killed(unittest.TestCase):
    """After kill -9 of the process that holds the cluster, and of its supervisor as well."""

    def start(self):
        holder = subprocess.Popen(
            [
                sys.executable,
                os.path.join(_HERE, "minicluster.py"),
                "up",
                "--fixture",
                "--foreground",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        line = holder.stdout.readline()
        self.assertTrue(line.startswith("ready "), line)
        tag = re.search(r'"tag": "(\w+)"', line)[1]
        supervisor = next(
            int(pid) for pid, command in processes_with(tag) if "node_init" in command
        )
        return holder, tag, supervisor

    def init_of(self, supervisor):
        with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="ascii") as f:
            return int(f.read().split()[0])

    def test_of_the_holder(self):
        holder, tag, supervisor = self.start()
        init = self.init_of(supervisor)
        spaces = {
            kind: os.readlink(f"/proc/{init}/ns/{kind}")
            for kind in ("pid", "mnt", "net", "uts", "ipc")
        }
        holder.kill()
        wait_for(lambda: not os.path.exists(f"/proc/{supervisor}"), "supervisor gone")
        self.assertEqual(processes_with(tag), [])
        self.assertEqual(cgroups.tagged(tag), [])
        for kind, space in spaces.items():
            self.assertNotIn(space, namespace_ids(kind))
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            self.assertNotIn(tag, f.read())
        self.assertNotIn(
            "veth",
            subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout,
        )
        sweep()
        self.assertFalse(os.path.exists(os.path.join(paths.state_root(), tag)))

    def test_of_the_supervisor_too(self):
        holder, tag, supervisor = self.start()
        os.kill(holder.pid, signal.SIGSTOP)  # so that it cannot react
        os.kill(supervisor, signal.SIGKILL)
        holder.kill()
        holder.wait()
        wait_for(lambda: not processes_with(tag), lambda: f"processes gone: {processes_with(tag)}")
        self.assertTrue(cgroups.tagged(tag))  # empty ones, for the next run
        with Cluster():
            self.assertEqual(cgroups.tagged(tag), [])
            self.assertFalse(os.path.exists(os.path.join(paths.state_root(), tag)))


class Pods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().up()
        cls.addClassCleanup(cls.cluster.down)

    def test_a_deployment_makes_named_owned_pods(self):
        self.cluster.apply(o.deployment("shop", "web", o.calls("times", count=1), replicas=2))
        pods = self.cluster.wait_pods(2, "shop", app="web")
        for pod in pods:
            self.assertRegex(
                pod["metadata"]["name"],
                r"^web-[bcdf-hj-np-tv-xz0-9]{6,10}-[bcdf-hj-np-tv-xz2-9]{5}$",
            )
            owner = pod["metadata"]["ownerReferences"][0]
            self.assertEqual((owner["kind"], owner["controller"]), ("ReplicaSet", True))
            replica_set = self.cluster.get("ReplicaSet", "shop", owner["name"])
            self.assertEqual(replica_set["metadata"]["uid"], owner["uid"])
            self.assertEqual(replica_set["metadata"]["ownerReferences"][0]["name"], "web")
            self.assertEqual(
                pod["metadata"]["labels"]["pod-template-hash"],
                replica_set["metadata"]["labels"]["pod-template-hash"],
            )
            status = pod["status"]["containerStatuses"][0]
            self.assertRegex(status["containerID"], r"^containerd://[0-9a-f]{64}$")
            self.assertIn("startedAt", status["state"]["running"])
        self.assertEqual(len({p["status"]["podIP"] for p in pods}), 2)
        self.cluster.change("Deployment", "shop", "web", lambda d: d["spec"].update(replicas=0))
        wait_for(lambda: not self.cluster.pods("shop", app="web"), "scaled to none")
        self.cluster.delete("Deployment", "shop", "web")
        wait_for(
            lambda: not self.cluster.store.list(_kind("ReplicaSet"), "shop")[0],
            "its ReplicaSet collected",
        )

    def test_each_owner_kind(self):
        self.cluster.apply(
            o.replication_controller("kinds", "rc", o.calls("times", count=1)),
            o.daemon_set("kinds", "ds", o.calls("times", count=1)),
            o.stateful_set("kinds", "sts", o.calls("times", count=1), replicas=2),
            o.job("kinds", "job", o.calls("times", count=1, hold=False)),
        )
        self.cluster.wait_pods(4, "kinds")
        self.cluster.wait_pods(1, "kinds", phase="Succeeded", app="job")
        owners = {p["metadata"]["ownerReferences"][0]["kind"] for p in self.cluster.pods("kinds")}
        self.assertEqual(owners, {"ReplicationController", "DaemonSet", "StatefulSet", "Job"})
        self.assertEqual(
            {p["metadata"]["name"] for p in self.cluster.pods("kinds", app="sts")},
            {"sts-0", "sts-1"},
        )
        self.cluster.delete("Namespace", "", "kinds")
        self.cluster.wait_gone("Namespace", "", "kinds")
        self.assertEqual(self.cluster.pods("kinds"), [])

    def test_runtimes_styles_and_classes(self):
        """Each pod's container is in the group that a kubelet of that style would give it."""
        classes = {
            "Guaranteed": {"limits": {"cpu": "100m", "memory": "16Mi"}},
            "Burstable": {"requests": {"cpu": "10m"}},
            "BestEffort": {},
        }
        for runtime in ("runc", "crun"):
            for style in cgroups.STYLES:
                for qos, resources in classes.items():
                    with self.subTest(runtime=runtime, style=style, qos=qos):
                        name = f"{runtime}-{style}-{qos.lower()}"
                        pod = self.cluster.apply(
                            o.pod(
                                "styles",
                                name,
                                o.calls("times", count=7, **resources),
                                runtime=runtime,
                                cgroup_style=style,
                            )
                        )
                        self.assertEqual(self.cluster.wait_result(pod, "times").count, 7)
                        pod = self.cluster.wait_pods(1, "styles", app=name)[0]
                        self.assertEqual(pod["status"]["qosClass"], qos)
                        container = self.cluster.container(pod)
                        with open(f"/proc/{container.host_pid()}/cgroup", encoding="ascii") as f:
                            groups = dict(line.strip().split(":", 2)[1:] for line in f)
                        self.assertEqual(groups[""], container.cgroup)
                        self.assertEqual(groups.get("memory", container.cgroup), container.cgroup)
                        uid = pod["metadata"]["uid"]
                        self.assertIn(
                            uid if style == "cgroupfs" else uid.replace("-", "_"), container.cgroup
                        )
                        self.cluster.delete("Pod", "styles", name)
        wait_for(lambda: not self.cluster.pods("styles"), "pods gone")

    def test_limits_reach_the_kernel(self):
        pod = self.cluster.apply(
            o.pod(
                "default",
                "limited",
                o.calls("times", count=1, limits={"cpu": "250m", "memory": "24Mi"}),
            )
        )
        self.cluster.wait_result(pod, "times")
        group = self.cluster.container(pod).cgroup
        memory = f"{cgroups.ROOT}/memory{group}/memory.limit_in_bytes"
        if not os.path.exists(memory):
            memory = f"{cgroups.unified()}{group}/memory.max"
        with open(memory, encoding="ascii") as f:
            self.assertEqual(int(f.read()), 24 << 20)

    def test_an_exit_is_reported_and_restarted(self):
        pod = self.cluster.apply(
            o.pod("default", "again", o.container("app", "/bin/sh", "-c", "exit 3"))
        )
        uid, namespace, name = pod["metadata"]["uid"], "default", "again"

        def restarted():
            status = (
                self.cluster.get("Pod", namespace, name)
                .get("status", {})
                .get("containerStatuses", [{}])[0]
            )
            return status if status.get("restartCount", 0) >= 2 else None

        status = wait_for(restarted, self.cluster.describe)
        self.assertEqual(status["lastState"]["terminated"]["exitCode"], 3)
        self.assertEqual(self.cluster.get("Pod", namespace, name)["metadata"]["uid"], uid)
        self.cluster.delete("Pod", namespace, name, gracePeriodSeconds=0)
        self.cluster.wait_gone("Pod", namespace, name)

    def test_a_pod_that_cannot_start_says_why(self):
        self.cluster.apply(
            o.pod("default", "broken", o.container("app", "/bin/there-is-no-such-program"))
        )

        def waiting():
            status = (
                self.cluster.get("Pod", "default", "broken")
                .get("status", {})
                .get("containerStatuses", [{}])[0]
            )
            return status.get("state", {}).get("waiting", {}).get("message")

        self.assertIn("there-is-no-such-program", wait_for(waiting, self.cluster.describe))

    def test_a_flash_pod_is_quick_and_counts(self):
        begin = time.monotonic()
        pod = self.cluster.flash(
            ("default", "flash"), o.calls("times", rate=1000, for_ms=200, hold=False)
        )
        took_s = time.monotonic() - begin
        print(f"a 200 ms pod came and went in {took_s:.2f} s", file=sys.stderr)
        result = self.cluster.result(pod, "times")
        self.assertTrue(result.finished)
        self.assertGreater(result.count, 100)
        self.assertAlmostEqual((result.finished_ns - result.started_ns) / 1e6, 200, delta=100)
        self.assertLess(took_s, 2)
        self.assertEqual(self.cluster.pods("default", **{"job-name": "flash"}), [])

    def test_traffic_between_pods(self):
        server = self.cluster.apply(
            o.pod(
                "net",
                "server",
                o.container("app", "/bin/tcp", "--serve", "8080", "--result", "/results/server"),
            )
        )
        ip = self.cluster.wait_pods(1, "net", app="server")[0]["status"]["podIP"]
        client = self.cluster.apply(
            o.pod(
                "net",
                "client",
                o.container(
                    "app",
                    "/bin/tcp",
                    "--to",
                    f"{ip}:8080",
                    "--bytes",
                    "1000000",
                    "--result",
                    "/results/client",
                ),
            )
        )
        self.assertEqual(self.cluster.wait_result(client, "client").count, 1000000)
        self.assertEqual(
            self.cluster.wait_result(server, "server", until=lambda r: r.second).count, 1000000
        )

    def test_every_call_of_the_table_does_what_it_says(self):
        table = call_table.calls()
        self.assertGreaterEqual(len(table), 8)
        containers = []
        for i, call in enumerate(table):
            containers.append(o.calls(call.name, name=f"c{i}", count=5, hold=False))
            if call.i386:
                containers.append(o.calls(f"{call.name}:i386", name=f"i{i}", count=6, hold=False))
        pod = self.cluster.apply(o.pod("default", "table", *containers, restart_policy="Never"))
        for call in table:
            with self.subTest(call.name):
                result = self.cluster.wait_result(pod, call.name)
                self.assertEqual((result.count, result.second), (5, 5 if call.fails else 0))
                if call.i386:
                    self.assertEqual(self.cluster.wait_result(pod, f"{call.name}-i386").count, 6)
        self.cluster.wait_pods(1, "default", phase="Succeeded", app="table")


@unittest.skipUnless(shutil.which("kubectl"), "kubectl is not installed")
class Kubectl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().up()
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.apply(*fixture.standard())
        cls.cluster.wait_pods(fixture.PODS)

    def kubectl(self, *args, stdin=None):
        cache = os.path.join(self.cluster.node.dir, "kubectl")
        done = subprocess.run(
            ["kubectl", "--server", self.cluster.api.url, "--cache-dir", cache, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "KUBECONFIG": "/dev/null"},
        )
        self.assertEqual(
            done.returncode, 0, f"kubectl {' '.join(args)}: {done.stderr}{done.stdout}"
        )
        return done.stdout

    def test_get_describe_logs(self):
        table = self.kubectl("get", "pods", "-A", "-o", "wide")
        self.assertEqual(len(table.splitlines()), 1 + len(self.cluster.pods()))
        self.assertRegex(table, r"shop +web-\S+ +1/1 +Running +0 +\d+\w +10\.244\.0\.\d+ +node-1")
        self.assertRegex(self.kubectl("get", "deploy", "-n", "shop"), r"web +2/2 +2 +2")
        self.assertIn(
            "Controlled By:  ReplicaSet/web-",
            self.kubectl("describe", "pod", "-n", "shop", "-l", "app=web"),
        )
        self.kubectl("logs", "-n", "data", "rc/store")
        self.assertIn("node-1", self.kubectl("get", "nodes"))

    def test_apply_scale_label_delete(self):
        manifest = (
            '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"k","namespace":"default"},"spec":'
            '{"replicas":%d,"selector":{"matchLabels":{"app":"k"}},"template":{"metadata":{"labels":{"app":"k"}},'
            '"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"c","image":"i",'
            '"command":["/bin/pause"]}]}}}}'
        )
        self.kubectl("apply", "-f", "-", stdin=manifest % 1)
        self.kubectl("rollout", "status", "deploy/k", "--timeout=20s")
        self.kubectl("apply", "-f", "-", stdin=manifest % 2)
        self.cluster.wait_pods(2, "default", app="k")
        self.kubectl("scale", "deploy/k", "--replicas=1")
        wait_for(lambda: len(self.cluster.pods("default", app="k")) == 1, self.cluster.describe)
        pod = self.cluster.pods("default", app="k")[0]["metadata"]["name"]
        self.kubectl("label", "pod", pod, "tier=front")
        self.assertIn(pod, self.kubectl("get", "pods", "-l", "tier=front"))
        self.kubectl("delete", "deploy", "k")
        wait_for(lambda: not self.cluster.pods("default", app="k"), self.cluster.describe)

    def test_watch(self):
        cache = os.path.join(self.cluster.node.dir, "kubectl")
        watch = subprocess.Popen(
            [
                "kubectl",
                "--server",
                self.cluster.api.url,
                "--cache-dir",
                cache,
                "get",
                "pods",
                "-n",
                "watched",
                "--watch",
                "-o",
                "name",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        self.assertTrue(self.cluster.api.faults.wait_requests(1, 20, "watch", "pods"))
        self.cluster.apply(o.pod("watched", "seen", o.container("app", "/bin/pause")))
        self.assertEqual(watch.stdout.readline(), "pod/seen\n")


def _kind(name):
    from minicluster.apiserver.resources import resource

    return resource(name)


if __name__ == "__main__":
    unittest.main()
