"""While the API server misbehaves every pod is attributed all the same."""

import unittest

from leadline_case import LeadlineCase
from minicluster import objects as o, wait_for

RECOVERY_TIMEOUT_S = 60


class ApiFaults(LeadlineCase):
    cluster_options = {"history": 200}

    def setUp(self):
        self.cluster.api.bookmark_interval_s = 0.5
        self.addCleanup(self.cluster.api.faults.clear)

    def assert_attributed(self, name, count):
        """A new Deployment's calls are counted as its own."""
        self.cluster.apply(o.deployment("faults", name, o.calls("getpriority", count=count)))
        pod = self.cluster.wait_pods(1, "faults", app=name)[0]
        self.cluster.wait_result(pod, "getpriority")
        self.wait_value(
            f"sum({self.selector('getpriority', namespace='faults', controller=name)})",
            count,
            RECOVERY_TIMEOUT_S,
        )
        self.cluster.delete("Deployment", "faults", name)

    def test_one_after_the_other(self):
        faults = self.cluster.api.faults
        self.assert_attributed("healthy", 11)
        for i, (name, disturb, action) in enumerate(
            [
                ("dropped", lambda: faults.add("drop", verb="watch"), "drop"),
                (
                    "truncated",
                    lambda: faults.add("truncate", verb="watch", after_events=1),
                    "truncate",
                ),
                ("garbage", lambda: faults.add("garbage", verb="watch", after_events=0), "garbage"),
                ("gone-event", lambda: faults.add("gone_event", verb="watch"), "gone_event"),
                ("gone-status", lambda: faults.add("gone_status", verb="watch"), "gone_status"),
                (
                    "unavailable",
                    lambda: faults.add("status", code=503, reason="ServiceUnavailable", times=3),
                    "status",
                ),
                (
                    "busy",
                    lambda: faults.add(
                        "status", code=429, reason="TooManyRequests", retry_after_s=1, times=2
                    ),
                    "status",
                ),
                ("truncated-list", self._relist_truncated, "truncate"),
            ]
        ):
            with self.subTest(name):
                fired = faults.fired[action]
                disturb()
                self.cluster.api.drop_connections()  # so that what is open meets the fault, too
                self.assert_attributed(name, 100 + i)
                self.assertGreater(faults.fired[action], fired, "the fault was never met")
                faults.clear()

    def _relist_truncated(self):
        self.cluster.store.compact()
        self.cluster.api.faults.add("truncate", verb="list", resource="pods", after_bytes=200)

    def test_owners_that_may_not_be_read(self):
        """Without the right to read ReplicaSets the pod still belongs to its ReplicaSet."""
        self.cluster.api.faults.add(
            "status", verb="get", resource="replicasets", code=403, reason="Forbidden", times=None
        )
        self.cluster.apply(o.deployment("forbidden", "web", o.calls("ioprio_get", count=70)))
        pod = self.cluster.wait_pods(1, "forbidden")[0]
        self.cluster.wait_result(pod, "ioprio_get")
        self.wait_value(f"sum({self.selector('ioprio_get', namespace='forbidden')})", 70)
        owner = pod["metadata"]["ownerReferences"][0]["name"]
        self.assert_increase(
            "ioprio_get", {(owner,): 70}, by=("owner_name",), namespace="forbidden"
        )

    def test_a_change_missed_while_away_is_made_up(self):
        """The version is forgotten meanwhile: a label that changed is there after the relist."""
        pod = self.cluster.apply(o.pod("missed", "bare", o.calls("times", count=5)))
        self.cluster.wait_result(pod, "times")
        wait_for(
            lambda: self.collector.query(self.selector("times", namespace="missed")),
            "the pod",
            30,
            0.2,
        )
        lists = self.cluster.api.faults.requests("list", "pods")
        self.cluster.change(
            "Pod", "missed", "bare", lambda p: p["metadata"]["labels"].update(release="blue")
        )
        self.cluster.store.compact()
        self.assertTrue(self.cluster.api.faults.wait_requests(lists + 1, 30, "list", "pods"))
        selector = self.selector("times", namespace="missed", label_release="blue")
        wait_for(lambda: self.collector.query(selector), "the label", 30, 0.2)

    def test_what_it_asks_of_the_server(self):
        """Only its own node's pods, in pages, and of owners nothing but metadata, each once."""
        faults = self.cluster.api.faults
        self.cluster.apply(
            o.deployment("asked", "web", o.calls("mq_getsetattr", count=1), replicas=4)
        )
        self.cluster.wait_pods(4, "asked")
        wait_for(
            lambda: len(self.collector.query(self.selector("mq_getsetattr", controller="web")))
            == 4,
            "all four",
            30,
            0.2,
        )
        for verb in ("list", "watch"):
            queries = faults.queries(verb, "pods")
            self.assertTrue(queries)
            for query in queries:
                self.assertEqual(
                    query.get("fieldSelector"), f"spec.nodeName={self.cluster.node_name}"
                )
        for query in faults.queries("list", "pods"):
            # As client-go: a relist at a known version comes from the watch cache, in one piece.
            self.assertTrue("limit" in query or query.get("resourceVersion", "0") != "0", query)
        self.assertTrue(
            all(
                q.get("allowWatchBookmarks") in ("true", "1")
                for q in faults.queries("watch", "pods")
            )
        )
        for kind in ("replicasets", "deployments"):
            self.assertEqual(
                faults.requests("get", kind), faults.requests("get", kind, partial=True)
            )
            self.assertEqual(faults.requests("list", kind) + faults.requests("watch", kind), 0)
        uids = {p["metadata"]["ownerReferences"][0]["uid"] for p in self.cluster.pods("asked")}
        self.assertEqual(len(uids), 1)


if __name__ == "__main__":
    unittest.main()
