"""Pods that are gone before anyone looks, and pods that the API server tells of late."""

import unittest

from leadline_case import LeadlineCase
from minicluster import objects as o, wait_for


class ShortLived(LeadlineCase):
    def test_a_pod_of_200_ms_is_attributed_to_its_controller(self):
        nightly = self.cluster.apply(o.cron_job("batch", "nightly"))
        pods = [
            self.cluster.flash(nightly, o.calls("getpriority", rate=1000, for_ms=200, hold=False))
            for _ in range(3)
        ]
        counts = [self.cluster.result(pod, "getpriority").count for pod in pods]
        self.wait_counted("getpriority", sum(counts))
        self.assert_increase(
            "getpriority",
            {("batch", "nightly", "CronJob"): sum(counts)},
            by=("namespace", "controller", "controller_kind"),
        )
        self.assert_increase(
            "getpriority", {(p["metadata"]["name"],): c for p, c in zip(pods, counts)}, by=("pod",)
        )

    def test_many_short_pods_at_once(self):
        names = [f"burst-{i}" for i in range(8)]
        for name in names:
            self.cluster.apply(o.job("burst", name, o.calls("ioprio_get", count=50, hold=False)))
        pods = self.cluster.wait_pods(len(names), "burst", phase="Succeeded")
        for name in names:
            self.cluster.delete("Job", "burst", name)
        wait_for(lambda: not self.cluster.pods("burst"), self.cluster.describe)
        self.assertEqual(sum(self.cluster.result(p, "ioprio_get").count for p in pods), 400)
        self.wait_counted("ioprio_get", 400)
        self.assert_increase("ioprio_get", {("burst", name): 50 for name in names})


class LateTagging(LeadlineCase):
    """The agent and a pod start while the API server still refuses connections."""

    cluster_options = {"listen": False}
    with_agent = False

    def test_what_was_done_before_the_pod_was_known_counts(self):
        self.agent.start(*self.agent._args, "--http", "127.0.0.1:0")
        self.agent.wait_listening()
        self.cluster.apply(o.deployment("late", "web", o.calls("getpriority", count=600)))
        pod = self.cluster.wait_pods(1, "late")[0]
        self.cluster.wait_result(pod, "getpriority")
        self.wait_value(f"sum({self.untagged_selector('getpriority')})", 600)
        self.assertEqual(self.collector.query(self.selector("getpriority")), {})
        self.cluster.api.start()
        wait_for(
            lambda: self.collector.query(self.selector("getpriority", namespace="late")),
            "late labels",
            30,
            0.2,
        )
        self.assert_increase("getpriority", {("late", "web"): 600})
        self.assertEqual(self.collector.query(self.untagged_selector("getpriority")), {})


if __name__ == "__main__":
    unittest.main()
