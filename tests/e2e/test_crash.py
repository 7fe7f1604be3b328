"""kill -9 of collector and agent: nothing acknowledged is missing or doubled."""

import unittest

from leadline_case import INTERVAL_S, LeadlineCase
from minicluster import objects as o, wait_for


class Seen:
    """Every sample that a query has ever shown: it was acknowledged, so it must stay as it is."""

    def __init__(self, case, selector):
        self._case = case
        self._selector = selector
        self.samples = {}  # (namespace, pod, container) -> {timestamp: value}

    def look(self):
        now = self._fetch()
        for series, samples in self.samples.items():
            self._case.assertIn(series, now)
            missing = {t: v for t, v in samples.items() if now[series].get(t) != v}
            self._case.assertEqual(
                missing, {}, f"samples of {series} that were there are gone or changed"
            )
        self.samples = now
        return now

    def _fetch(self):
        result = {}
        for labels, samples in self._case.collector.raw(self._selector).items():
            labels = dict(labels)
            key = tuple(labels.get(k, "") for k in ("namespace", "pod", "container"))
            self._case.assertNotIn(key, result, "a series came twice")
            times = [t for t, _ in samples]
            self._case.assertEqual(
                times, sorted(set(times)), f"timestamps of {key} repeat or go back"
            )
            result[key] = dict(samples)
        return result

    def count(self):
        return sum(len(s) for s in self.samples.values())

    def wait_more(self, samples):
        want = self.count() + samples
        wait_for(
            lambda: self.look() is not None and self.count() >= want,
            lambda: f"{want} samples: {self.samples}",
            30,
            0.05,
        )


class CollectorKilled(LeadlineCase):
    def test_in_mid_stream(self):
        self.cluster.apply(
            o.deployment("shop", "web", o.calls("getpriority", rate=300), replicas=2)
        )
        pods = self.cluster.wait_pods(2, "shop")
        seen = Seen(self, self.selector("getpriority", container="app"))
        for _ in range(4):
            seen.wait_more(5)
            self.collector.kill()
            self.collector.up()
            seen.look()
        seen.wait_more(4)
        self.cluster.change("Deployment", "shop", "web", lambda d: d["spec"].update(replicas=0))
        wait_for(lambda: not self.cluster.pods("shop"), self.cluster.describe)
        counts = {
            pod["metadata"]["name"]: self.cluster.result(pod, "getpriority").count for pod in pods
        }

        def complete():
            return {key[1]: max(samples.values()) for key, samples in seen.look().items()} == counts

        wait_for(complete, lambda: f"{counts}; there is {seen.samples}", 30, 0.2)
        self.assert_increase(
            "getpriority", {("shop", "web"): sum(counts.values())}, namespace="shop"
        )
        for series, samples in seen.samples.items():
            times = sorted(samples)
            gaps = [b - a for a, b in zip(times, times[1:])]
            self.assertLess(
                max(gaps),
                2.5 * INTERVAL_S,
                f"{series}: what was read while the collector was away is missing",
            )

    def test_while_it_was_away(self):
        """What a pod did while there was no collector arrives when there is one again."""
        self.collector.kill()
        try:
            pod = self.cluster.apply(
                o.pod(
                    "away",
                    "brief",
                    o.calls("ioprio_get", count=444, hold=False),
                    restart_policy="Never",
                )
            )
            self.cluster.wait_pods(1, "away", phase="Succeeded")
            self.assertEqual(self.cluster.wait_result(pod, "ioprio_get").count, 444)
            self.cluster.delete("Pod", "away", "brief", gracePeriodSeconds=0)
        finally:
            self.collector.up()
        selector = self.selector("ioprio_get", namespace="away")
        wait_for(lambda: self.collector.raw(selector), "the samples of the pod", 30, 0.2)
        self.assert_increase("ioprio_get", {("away", ""): 444}, namespace="away")


class AgentKilled(LeadlineCase):
    def test_what_was_acknowledged_stays_and_counting_goes_on(self):
        self.cluster.apply(
            o.deployment("shop", "before", o.calls("getpriority", count=500)),
            o.deployment("shop", "through", o.calls("ioprio_get", rate=200)),
        )
        self.cluster.wait_pods(2, "shop")
        self.wait_value(f"sum({self.selector('getpriority')})", 500)
        before = Seen(self, self.selector("getpriority", container="app"))
        through = Seen(self, self.selector("ioprio_get", container="app"))
        for _ in range(2):
            before.look()
            through.wait_more(3)
            self.agent.kill()
            before.look()
            through.look()
            self.agent.up()
        self.cluster.apply(o.deployment("shop", "after", o.calls("timer_getoverrun", count=321)))
        self.wait_value(f"sum({self.selector('timer_getoverrun')})", 321)
        self.assert_increase("timer_getoverrun", {("shop", "after"): 321})
        self.assert_increase("getpriority", {("shop", "before"): 500})
        through.wait_more(3)
        pod = self.cluster.pods("shop", app="through")[0]
        self.cluster.change("Deployment", "shop", "through", lambda d: d["spec"].update(replicas=0))
        self.cluster.wait_gone("Pod", "shop", pod["metadata"]["name"])
        made = self.cluster.result(pod, "ioprio_get").count
        selector = self.selector("ioprio_get")
        at = self.last_sample_time(selector)
        counted = self.collector.by(
            f"sum by (controller) (increase({selector}[5m]))", "controller", at=at
        )[("through",)]
        self.assertLessEqual(counted, made, "calls were counted twice")
        self.assertGreater(counted, made / 2)  # the time without an agent is short


if __name__ == "__main__":
    unittest.main()
