"""The disk spool: kill -9 of the agent while there is no collector, a disk that is too small, two
agents with one identity."""

import os
import shutil
import subprocess
import unittest

from leadline_case import INTERVAL_S, LeadlineCase
from minicluster import objects as o, wait_for
from programs import Agent, brief


def batches_written(agent):
    return agent.metric("leadline_agent_spool_batches_written_total")


def wait_written(agent, more):
    want = batches_written(agent) + more
    wait_for(
        lambda: batches_written(agent) >= want,
        lambda: f"{want} batches in the spool; its log:\n{agent.log()[-2000:]}",
        30,
        0.1,
    )


class AgentKilledWithoutCollector(LeadlineCase):
    def test_what_was_sealed_is_there_exactly_once(self):
        self.cluster.apply(o.deployment("shop", "web", o.calls("getpriority", rate=300)))
        self.cluster.wait_pods(1, "shop")
        selector = self.selector("getpriority", namespace="shop")
        wait_for(lambda: self.collector.raw(selector), "samples of the workload", 30, 0.2)

        self.collector.kill()
        made = {}
        for life in range(2):
            name = f"brief{life}"
            count = 400 + life
            pod = self.cluster.apply(
                o.pod(
                    "away",
                    name,
                    o.calls("ioprio_get", count=count, hold=False),
                    restart_policy="Never",
                )
            )
            self.assertEqual(self.cluster.wait_result(pod, "ioprio_get").count, count)
            self.cluster.delete("Pod", "away", name, gracePeriodSeconds=0)
            self.cluster.wait_gone("Pod", "away", name)
            made[name] = count
            wait_written(self.agent, 4)
            self.agent.kill()
            if life == 0:
                self.agent.start_only()  # still without a collector
                wait_for(lambda: batches_written(self.agent) >= 2, "the next life's batches", 30)
        self.collector.up()
        self.agent.up()

        away = self.selector("ioprio_get", namespace="away")
        wait_for(
            lambda: self.counted(away) >= sum(made.values()),
            lambda: f"{made}; there is {brief(self.collector.raw(away))}",
            30,
            0.2,
        )
        self.assertEqual(
            {
                name: max(
                    v
                    for labels, s in self.collector.raw(away).items()
                    for _, v in s
                    if dict(labels)["pod"] == name
                )
                for name in made
            },
            made,
        )
        for name, count in made.items():
            one = self.selector("ioprio_get", namespace="away", pod=name)
            at = self.last_sample_time(one)
            self.assertEqual(
                self.collector.by(f"sum(increase({one}[5m]))", at=at), {(): count}, name
            )
        # Through both lives of the agent every interval that was sealed is there, once.
        times = []
        for samples in self.collector.raw(selector).values():
            times += [t for t, _ in samples]
        self.assertEqual(len(times), len(set(times)), "a sample came twice")
        self.assertEqual(self.collector.metric("leadline_collector_ingest_lost_batches_total"), 0)
        wait_for(
            lambda: self.agent.metric("leadline_agent_spool_segments") == 1,
            "earlier lives' files are removed",
            30,
            0.2,
        )


class SmallDisk(LeadlineCase):
    with_agent = False

    def test_the_oldest_goes_and_the_counts_are_true(self):
        state = os.path.join(self.folder, "small")
        os.makedirs(state)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "leadline-test", state], check=True
        )
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=True)
        agent = Agent(
            os.path.join(self.folder, "small-agent"),
            self.collector,
            self.cluster.name,
            self.cluster.node_name,
            self.cluster.api.url,
            "100ms",
            state=state,
        )
        self.addCleanup(agent.stop)
        self.collector.kill()
        agent.start_only()
        wait_for(
            lambda: agent.metric("leadline_agent_spool_segments_dropped_total") >= 3,
            lambda: f"a full disk; its log:\n{agent.log()[-2000:]}",
            60,
        )
        self.assertEqual(agent.metric("leadline_agent_spool_failing"), 0)
        written = batches_written(agent)
        agent.kill()
        self.collector.up()
        agent.up()
        recovered = agent.metric("leadline_agent_spool_batches_recovered_total")
        self.assertGreater(recovered, 0)

        def lost():
            return self.collector.metric("leadline_collector_ingest_lost_batches_total")

        wait_for(lost, lambda: f"a declared loss; its log:\n{agent.log()[-2000:]}", 30)
        # Those between the reading of `written` and the kill are a few.
        self.assertGreaterEqual(lost() + recovered, written)
        self.assertLessEqual(lost() + recovered, written + 20)


class OneIdentityTwice(LeadlineCase):
    def copy_with_epoch(self, change):
        """An agent with a copy of the first one's directory, started more or less often than it."""
        name = f"{self.id().rsplit('.', 1)[1]}{change}"
        copy = os.path.join(self.folder, name)
        shutil.copytree(os.path.join(self.folder, "agent", "agent-state"), copy)
        with open(os.path.join(copy, "identity"), "r+", encoding="utf-8") as f:
            identity = f.read()
            epoch = int(identity.split("epoch ")[1])
            f.seek(0)
            f.write(identity.replace(f"epoch {epoch}", f"epoch {epoch + change}"))
        second = Agent(
            os.path.join(self.folder, f"{name}-agent"),
            self.collector,
            self.cluster.name,
            self.cluster.node_name,
            None,
            f"{INTERVAL_S}s",
            state=copy,
        )
        self.addCleanup(second.kill)
        return second.start_only()

    def check_refused(self, second):
        wait_for(
            lambda: "two agents have one state directory or copies of it" in second.log(),
            lambda: f"a refusal; its log:\n{second.log()}",
            30,
        )
        self.assertEqual(second.metric("leadline_agent_export_connected"), 0)
        self.assertGreater(second.metric("leadline_agent_export_refusals_total"), 0)
        self.assertEqual(self.agent.metric("leadline_agent_export_connected"), 1)

    def test_a_copy_is_refused_and_the_first_works_on(self):
        # From an image of the machine that was taken before this start of the agent; and one that
        # was started more often since.
        for change in (-1, 7):
            second = self.copy_with_epoch(change)
            self.check_refused(second)
            takeovers = "leadline_collector_ingest_takeovers_total"
            self.assertEqual(self.collector.metric(takeovers), 0, change)
            second.kill()

    def test_the_same_agent_started_again_is_not(self):
        self.agent.kill()
        self.agent.up()
        self.assertNotIn("refused", self.agent.log())

    def test_a_copy_may_go_on_when_the_first_is_gone(self):
        second = self.copy_with_epoch(7)
        self.check_refused(second)
        self.agent.kill()
        second.wait_ready()

    def setUp(self):
        # So that there is an epoch before this one.
        self.agent.stop()
        self.agent.up()

    def test_one_directory_is_for_one(self):
        second = Agent(
            os.path.join(self.folder, "third"),
            self.collector,
            self.cluster.name,
            self.cluster.node_name,
            None,
            state=os.path.join(self.folder, "agent", "agent-state"),
        )
        second.start_without_http()
        self.assertEqual(second.process.wait(30), 1)
        self.assertIn("is in use by another agent", second.log())


if __name__ == "__main__":
    unittest.main()
