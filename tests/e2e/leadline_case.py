"""A test case with a cluster, a collector and an agent, and the questions that the proofs ask."""

import os
import shutil
import tempfile
import unittest

from minicluster import Cluster, wait_for
from programs import Agent, Collector, brief

INTERVAL_S = 1
VISIBLE_TIMEOUT_S = 30


class CollectorCase(unittest.TestCase):
    """A collector and a folder for a whole class; agents are the tests' own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="leadline-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.collector = Collector(os.path.join(cls.folder, "collector")).up()
        cls.addClassCleanup(cls.collector.stop)


class LeadlineCase(unittest.TestCase):
    """One set of programs for a whole class, which may override the options."""

    cluster_options = {}
    with_agent = True
    agent_within = ()  # see programs.Program

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="leadline-e2e-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cluster = Cluster(**cls.cluster_options)
        cls.addClassCleanup(cls.cluster.down)
        cls.cluster.up()
        cls.collector = cls.new_collector()
        cls.addClassCleanup(cls.collector.stop)
        cls.collector.up()
        cls.agent = cls.new_agent()
        cls.addClassCleanup(cls.agent.stop)
        if cls.with_agent:
            cls.agent.up()

    @classmethod
    def new_collector(cls):
        return Collector(os.path.join(cls.folder, "collector"))

    @classmethod
    def new_agent(cls):
        return Agent(
            os.path.join(cls.folder, "agent"),
            cls.collector,
            cls.cluster.name,
            cls.cluster.node_name,
            cls.cluster.api.url,
            f"{INTERVAL_S}s",
            within=cls.agent_within,
        )

    def run(self, result=None):
        failures = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > failures:
            for program in (self.collector, self.agent):
                if program.process is not None:
                    print(f"\n--- {program.name}, the end of its log ---\n{program.log()[-4000:]}")

    # --- questions ---

    def selector(self, call, metric="container_syscalls_total", **labels):
        """Of this cluster's pods: the agent sees the containers of others that are up as well, but
        cannot know their pods."""
        matchers = {"syscall": call, "cluster": self.cluster.name, **labels}
        if "namespace" not in labels:
            matchers["namespace!"] = ""
        return metric + "{" + ",".join(f'{k}="{v}"' for k, v in matchers.items()) + "}"

    def untagged_selector(self, call):
        """Of this cluster's containers whose pod is not known yet, by their control group."""
        return f'container_syscalls_total{{syscall="{call}",namespace="",id=~".*pod{self.cluster.node.tag}.*"}}'

    def wait_value(self, expression, want, timeout_s=VISIBLE_TIMEOUT_S):
        """Until the expression's only value is `want`; larger ones are an error at once."""

        def reached():
            values = list(self.collector.query(expression).values())
            for value in values:
                self.assertLessEqual(value, want, expression)
            return values == [want]

        wait_for(
            reached,
            lambda: f"{expression} = {want}; it is {self.collector.query(expression)}",
            timeout_s,
            0.1,
        )

    def counted(self, selector):
        """What the samples of all series add up to, restarts of a counter included."""
        total = 0
        for samples in self.collector.raw(selector).values():
            last = 0
            for _, value in samples:
                total += value - last if value >= last else value
                last = value
        return total

    def wait_counted(self, call, want):
        """As wait_value, also when the pods are gone and their last values are in the past."""
        selector = self.selector(call)
        wait_for(
            lambda: self.counted(selector) == want,
            lambda: f"{call} = {want}; it is {self.counted(selector)}: {brief(self.collector.raw(selector))}",
            VISIBLE_TIMEOUT_S,
            0.2,
        )

    def last_sample_time(self, selector):
        samples = [t for series in self.collector.raw(selector).values() for t, _ in series]
        self.assertTrue(samples, f"{selector} has no samples")
        return max(samples)

    def assert_increase(
        self,
        call,
        want,
        metric="container_syscalls_total",
        by=("namespace", "controller"),
        **labels,
    ):
        """That the increase by the labels is exactly `want`, at the time of the last sample."""
        selector = self.selector(call, metric, **labels)
        at = self.last_sample_time(selector)
        expression = f"sum by ({', '.join(by)}) (increase({selector}[5m]))"
        self.assertEqual(
            self.collector.by(expression, *by, at=at),
            want,
            f"{expression} @ {at}; samples: {brief(self.collector.raw(selector))}",
        )
