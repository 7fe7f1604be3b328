"""Whatever is away for a minute: the collector, the API server, the spool's disk. What the workload itself
counted is what the collector has in the end, and what could not be kept is counted.

A minute is sixty intervals: most cases shorten the interval, none shortens their number."""

import os
import unittest

from leadline_case import LeadlineCase
from minicluster import objects as o, wait_for
from programs import Agent, Collector

INTERVALS = 60
SHORT_INTERVAL_S = 0.25


class OutageCase(LeadlineCase):
    with_agent = False

    def new_agent_of(self, name, interval_s, collector=None, state=None):
        agent = Agent(
            os.path.join(self.folder, name),
            collector or self.collector,
            self.cluster.name,
            self.cluster.node_name,
            self.cluster.api.url,
            f"{int(interval_s * 1000)}ms",
            state=state,
        )
        self.addCleanup(agent.stop)
        return agent

    def wait_metric(self, program, name, want, timeout_s=60, **labels):
        wait_for(
            lambda: program.metric(name, **labels) >= want,
            lambda: f"{name}{labels or ''} of {want}; it is {program.metric(name, **labels)}; "
            f"the log:\n{program.log()[-2000:]}",
            timeout_s,
            0.1,
        )

    def count_in_a_pod(self, namespace, name, call, count):
        """A pod that makes exactly so many calls and goes."""
        pod = self.cluster.apply(
            o.pod(namespace, name, o.calls(call, count=count, hold=False), restart_policy="Never")
        )
        self.assertEqual(self.cluster.wait_result(pod, call).count, count)
        self.cluster.delete("Pod", namespace, name, gracePeriodSeconds=0)
        self.cluster.wait_gone("Pod", namespace, name)


class CollectorAway(OutageCase):
    def test_sixty_intervals(self):
        agent = self.new_agent_of("away", SHORT_INTERVAL_S).up()
        self.cluster.apply(o.deployment("shop", "web", o.calls("getpriority", rate=300)))
        self.cluster.wait_pods(1, "shop")
        steady = self.selector("getpriority", namespace="shop")
        wait_for(lambda: self.collector.raw(steady), "samples of the workload", 30, 0.2)

        self.collector.stop()
        made = {}
        begin = agent.metric("leadline_agent_spool_batches_written_total")
        for n, part in enumerate((10, 30, INTERVALS)):
            self.wait_metric(agent, "leadline_agent_spool_batches_written_total", begin + part)
            made[f"brief{n}"] = 300 + n
            self.count_in_a_pod("away", f"brief{n}", "ioprio_get", 300 + n)
        self.collector.up()
        agent.wait_ready()

        for name, count in made.items():
            one = self.selector("ioprio_get", namespace="away", pod=name)
            wait_for(
                lambda: self.counted(one) == count,
                lambda: f"{count} calls of {name}, it is {self.counted(one)}",
                30,
                0.2,
            )
        # Every interval of the outage is there, once.
        times = [t for s in self.collector.raw(steady).values() for t, _ in s]
        self.assertGreater(len(times), INTERVALS)
        self.assertEqual(len(times), len(set(times)))
        for name in ("lost_batches", "lost_samples"):
            self.assertEqual(self.collector.metric(f"leadline_collector_ingest_{name}_total"), 0)
        self.assertEqual(agent.metric("leadline_agent_export_batches_dropped_total"), 0)


class OlderThanTheRetention(LeadlineCase):
    """A spool may hold what the collector no longer keeps: that is acknowledged, not stored, and counted."""

    with_agent = False

    def test_what_is_too_old_is_counted_and_the_rest_arrives(self):
        collector = Collector(os.path.join(self.folder, "short"), options=["--retention", "10s"])
        collector.up()
        self.addCleanup(collector.stop)
        agent = Agent(
            os.path.join(self.folder, "old"),
            collector,
            self.cluster.name,
            self.cluster.node_name,
            self.cluster.api.url,
            "250ms",
        )
        self.addCleanup(agent.stop)
        agent.up()
        collector.stop()
        begin = agent.metric("leadline_agent_spool_batches_written_total")
        wait_for(
            lambda: agent.metric("leadline_agent_spool_batches_written_total") >= begin + INTERVALS,
            "a spool of more than the retention",
            60,
            0.2,
        )
        collector.up()
        wait_for(
            lambda: agent.metric("leadline_agent_export_buffered_batches") <= 1,
            lambda: f"everything is acknowledged; its log:\n{agent.log()[-2000:]}",
            30,
            0.2,
        )
        self.assertGreater(
            collector.metric("leadline_collector_refused_samples_total", reason="too_old"), 0
        )
        self.assertEqual(collector.metric("leadline_collector_ingest_lost_batches_total"), 0)
        self.assertEqual(agent.metric("leadline_agent_export_batches_dropped_total"), 0)
        self.assertTrue(collector.query("node_memory_MemTotal_bytes"), "the rest is there")


class ApiServerAway(OutageCase):
    def test_a_minute(self):
        agent = self.new_agent_of("api-away", 1).up()
        self.cluster.apply(o.deployment("shop", "web", o.calls("getpriority", rate=100)))
        self.cluster.wait_pods(1, "shop")
        selector = self.selector("getpriority", namespace="shop", controller="web")
        wait_for(lambda: self.collector.raw(selector), "samples of the workload", 30, 0.2)

        self.cluster.api.faults.add("drop", times=None)
        self.cluster.api.drop_connections()
        before = agent.metric("leadline_agent_export_batches_sent_total")
        self.wait_metric(
            agent, "leadline_agent_export_batches_sent_total", before + INTERVALS, timeout_s=120
        )
        self.cluster.api.faults.clear()
        self.count_in_a_pod("later", "brief", "ioprio_get", 321)
        later = self.selector("ioprio_get", namespace="later", pod="brief")
        wait_for(
            lambda: self.counted(later) == 321,
            lambda: f"321 calls, it is {self.counted(later)}",
            60,
            0.2,
        )
        # The pod that was known stays itself, in every interval, and nothing counts twice.
        series = self.collector.raw(selector)
        self.assertEqual(len(series), 1)
        self.assertGreater(len(next(iter(series.values()))), INTERVALS)


class SpoolThatCannotBe(OutageCase):
    def test_a_file_in_its_place_is_said_and_the_samples_arrive(self):
        state = os.path.join(self.folder, "state-with-a-file")
        os.makedirs(state)
        with open(os.path.join(state, "spool"), "w", encoding="utf-8") as f:
            f.write("mine")
        agent = self.new_agent_of("no-spool", SHORT_INTERVAL_S, state=state).up()
        self.wait_metric(agent, "leadline_agent_export_batches_acknowledged_total", 3)
        self.assertEqual(agent.metric("leadline_agent_spool_failing"), 1)
        self.assertIn(os.path.join(state, "spool"), agent.log())
        with open(os.path.join(state, "spool"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "mine")


if __name__ == "__main__":
    unittest.main()
