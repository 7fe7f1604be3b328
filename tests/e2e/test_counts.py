"""What the programs in the pods counted is what Leadline answers, exactly."""

import itertools
import os
import unittest

from leadline_case import VISIBLE_TIMEOUT_S, LeadlineCase
from minicluster import call_table, cgroups, objects as o, wait_for


class Counts(LeadlineCase):
    def finished(self, namespace, app, result, count=1):
        """The pods of the app, once each has written its final result."""
        pods = self.cluster.wait_pods(count, namespace, app=app)
        return pods, [self.cluster.wait_result(pod, result) for pod in pods]

    def test_each_kind_of_owner(self):
        """One call, several controllers in three namespaces, each its own number of times."""
        self.cluster.apply(
            o.deployment("shop", "web", o.calls("getpriority", count=1234), replicas=2),
            o.replication_controller("data", "store", o.calls("getpriority", count=777)),
            o.daemon_set(
                "kube-system", "node-agent", o.calls("getpriority", count=55), host_network=True
            ),
            o.stateful_set("data", "db", o.calls("getpriority", count=91)),
            o.pod("shop", "debug", o.calls("getpriority", count=13)),
        )
        for namespace, app, count in (
            ("shop", "web", 2),
            ("data", "store", 1),
            ("kube-system", "node-agent", 1),
            ("data", "db", 1),
            ("shop", "debug", 1),
        ):
            self.finished(namespace, app, "getpriority", count)
        total = 2 * 1234 + 777 + 55 + 91 + 13
        self.wait_value(f"sum({self.selector('getpriority')})", total)
        self.assert_increase(
            "getpriority",
            {
                ("shop", "web"): 2468,
                ("data", "store"): 777,
                ("kube-system", "node-agent"): 55,
                ("data", "db"): 91,
                ("shop", ""): 13,
            },
        )
        self.assert_increase(
            "getpriority",
            {
                ("Deployment", "ReplicaSet"): 2468,
                ("ReplicationController", "ReplicationController"): 777,
                ("DaemonSet", "DaemonSet"): 55,
                ("StatefulSet", "StatefulSet"): 91,
                ("", ""): 13,
            },
            by=("controller_kind", "owner_kind"),
        )
        pods = {
            p["metadata"]["name"]
            for p in self.cluster.pods()
            if p["metadata"]["labels"].get("app") == "web"
        }
        counted = self.collector.by(
            f"sum by (pod) ({self.selector('getpriority', controller='web')})", "pod"
        )
        self.assertEqual(counted, {(pod,): 1234 for pod in pods})

    def test_runtimes_and_cgroup_styles(self):
        want = {}
        for i, (runtime, style) in enumerate(itertools.product(("runc", "crun"), cgroups.STYLES)):
            name = f"{runtime}-{style}"
            want[("styles", name)] = 100 + i
            self.cluster.apply(
                o.deployment(
                    "styles",
                    name,
                    o.calls("ioprio_get", count=100 + i),
                    runtime=runtime,
                    cgroup_style=style,
                )
            )
        self.wait_value(f"sum({self.selector('ioprio_get')})", sum(want.values()))
        self.assert_increase("ioprio_get", want)

    def test_failing_calls_and_the_other_abi(self):
        want = {("a", "x86_64"): 321}
        containers = [o.calls("timer_getoverrun", name="a", count=321)]
        if any(call.name == "timer_getoverrun" and call.i386 for call in call_table.calls()):
            want["b", "i386"] = 45
            containers.append(o.calls("timer_getoverrun:i386", name="b", count=45))
        pod = self.cluster.apply(o.pod("calls", "failing", *containers))
        for _, abi in want:
            self.cluster.wait_result(pod, "timer_getoverrun" + ("-i386" if abi == "i386" else ""))
        self.wait_value(f"sum({self.selector('timer_getoverrun')})", sum(want.values()))
        for metric in ("container_syscalls_total", "container_syscall_errors_total"):
            self.assert_increase("timer_getoverrun", want, metric, by=("container", "abi"))
        durations = self.collector.histograms(
            self.selector("timer_getoverrun", "container_syscall_duration_seconds")
        )
        counts = {dict(key)["container"]: samples[-1][1] for key, samples in durations.items()}
        self.assertEqual(
            {name: float(h["count"]) for name, h in counts.items()},
            {name: count for (name, _), count in want.items()},
        )
        for histogram in counts.values():
            in_buckets = sum(float(bucket[3]) for bucket in histogram["buckets"])
            self.assertEqual(in_buckets, float(histogram["count"]))
            self.assertGreater(float(histogram["sum"]), 0)
            self.assertLess(float(histogram["sum"]), 10)

    def test_a_nested_cgroup_belongs_to_its_container(self):
        pod = self.cluster.apply(
            o.deployment("nested", "app", o.calls("sched_get_priority_max", rate=50))
        )
        pod = self.cluster.wait_pods(1, "nested", app="app")[0]
        self.cluster.wait_result(pod, "sched_get_priority_max", until=lambda r: r.count > 20)
        container = self.cluster.container(pod)
        pid = container.host_pid()
        for hierarchy in cgroups.hierarchies():
            nested = os.path.join(hierarchy + container.cgroup, "inner", "most")
            if "cpuset" in hierarchy:
                continue  # a new group there takes no process before it has been given CPUs
            os.makedirs(nested)
            with open(os.path.join(nested, "cgroup.procs"), "w", encoding="ascii") as f:
                f.write(str(pid))
        moved = self.cluster.result(pod, "sched_get_priority_max").count
        self.cluster.wait_result(
            pod, "sched_get_priority_max", until=lambda r: r.count > moved + 100
        )
        self.cluster.delete("Deployment", "nested", "app")
        self.cluster.wait_gone("Pod", "nested", pod["metadata"]["name"])
        final = self.cluster.result(pod, "sched_get_priority_max").count
        self.wait_counted("sched_get_priority_max", final)
        self.assert_increase("sched_get_priority_max", {("nested", "app"): final})
        self.assert_increase("sched_get_priority_max", {("app",): final}, by=("container",))

    def test_two_containers_of_a_pod_are_told_apart(self):
        pod = self.cluster.apply(
            o.pod(
                "pair",
                "both",
                o.calls("getitimer", name="one", count=10),
                o.calls("times", name="two", count=20),
            )
        )
        self.cluster.wait_result(pod, "getitimer")
        self.cluster.wait_result(pod, "times")
        self.wait_value(f"sum({self.selector('times', namespace='pair')})", 20)
        self.assert_increase("getitimer", {("one",): 10}, by=("container",), namespace="pair")
        self.assert_increase("times", {("two",): 20}, by=("container",), namespace="pair")

    def test_a_restarted_container_goes_on_counting(self):
        """Three runs of one container, 40 calls each: the sum over its instances is 120."""
        script = (
            "n=$(cat /results/n 2>/dev/null || echo 0); echo $((n+1)) > /results/n; "
            "/bin/calls --call io_destroy --count 40 --result /results/run$n; "
            "[ $n -ge 2 ] && exec /bin/pause; exit 1"
        )
        self.cluster.apply(
            o.deployment("again", "app", o.container("app", "/bin/sh", "-c", script))
        )
        pod = self.cluster.wait_pods(1, "again", app="app")[0]
        self.cluster.wait_result(pod, "run2")
        self.wait_counted("io_destroy", 120)
        self.assert_increase("io_destroy", {("again", "app"): 120})

    def test_an_instance_whose_cgroup_outlives_the_next_ones_start_is_not_hidden(self):
        """Three runs of one container, of which none is removed before the pod is."""
        script = (
            "n=$(cat /results/n 2>/dev/null || echo 0); echo $((n+1)) > /results/n; "
            "/bin/calls --call io_destroy --count 40 --result /results/run$n; "
            "[ $n -ge 2 ] && exec /bin/pause; exit 1"
        )
        pod = o.pod("late", "app", o.container("app", "/bin/sh", "-c", script))
        pod["metadata"]["annotations"] = {"leadline.test/late-removal": ""}
        pod = self.cluster.apply(pod)
        self.cluster.wait_result(pod, "run2")
        selector = self.selector("io_destroy", namespace="late")
        wait_for(
            lambda: self.counted(selector) == 120,
            lambda: f"120 calls; there are {self.counted(selector)}",
            VISIBLE_TIMEOUT_S,
            0.2,
        )
        self.assert_increase("io_destroy", {("late",): 120}, by=("namespace",), namespace="late")
        # And when the former instances are gone too.
        self.cluster.delete("Pod", "late", "app")
        self.cluster.wait_gone("Pod", "late", "app")
        wait_for(lambda: not self.collector.query(selector), "the series end", 30, 0.1)
        self.assertEqual(self.counted(selector), 120)
        self.assert_increase("io_destroy", {("late",): 120}, by=("namespace",), namespace="late")

    def test_nothing_is_counted_where_nothing_happened(self):
        """The calls are rare: only the pods that make them have any."""
        self.cluster.apply(o.deployment("quiet", "app", o.container("app", "/bin/pause")))
        self.cluster.wait_pods(1, "quiet")
        wait_for(
            lambda: self.collector.query('container_last_seen{namespace="quiet",container="app"}'),
            "the quiet pod is seen",
            30,
            0.1,
        )
        for call in (
            "getpriority",
            "ioprio_get",
            "timer_getoverrun",
            "mq_getsetattr",
            "remap_file_pages",
        ):
            self.assertEqual(self.collector.query(self.selector(call, namespace="quiet")), {})


if __name__ == "__main__":
    unittest.main()
