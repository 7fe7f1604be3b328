"""--record and --replay: a recording that is replayed, as nobody and with no BPF, gives a collector what
the agent itself gave one, series by series and value by value."""

import os
import re
import subprocess
import unittest

from leadline_case import INTERVAL_S, LeadlineCase
from minicluster import objects as o, paths, wait_for
from programs import Agent, Collector


class ReplayedRun(LeadlineCase):
    with_agent = False

    @classmethod
    def new_collector(cls):
        """It tells the agent of services; the one that the replay goes to cannot."""
        kubernetes = ("-k", cls.cluster.api.url, "--cluster", cls.cluster.name)
        return Collector(os.path.join(cls.folder, "collector"), kubernetes)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recording = os.path.join(cls.folder, "run.llrec")
        cls.agent = Agent(
            os.path.join(cls.folder, "recorded-agent"),
            cls.collector,
            cls.cluster.name,
            cls.cluster.node_name,
            cls.cluster.api.url,
            f"{INTERVAL_S}s",
            options=["--record", cls.recording],
        )
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.up()
        cls.work()
        cls.agent.stop()
        os.chmod(cls.recording, 0o644)
        os.chmod(cls.folder, 0o755)

    @classmethod
    def work(cls):
        """Pods that stay, pods that come and go, labels that change, counters of every kind."""
        cluster = cls.cluster
        cluster.apply(o.deployment("shop", "web", o.calls("getpriority", rate=300)))
        cluster.wait_pods(1, "shop")
        for n in range(3):
            pod = cluster.apply(
                o.pod(
                    "brief",
                    f"job{n}",
                    o.calls("ioprio_get", count=100 + n, hold=False),
                    restart_policy="Never",
                )
            )
            cluster.wait_result(pod, "ioprio_get")
            cluster.delete("Pod", "brief", f"job{n}", gracePeriodSeconds=0)
            cluster.wait_gone("Pod", "brief", f"job{n}")
        cluster.apply(o.service("shop", "asked", 80, "10.96.0.10", 30080))
        tries = ("--refused", "10.244.0.1:30080", "--connections", "3")
        asks = o.container("asks", "/bin/tcp", *tries, "--result", "/results/asks")
        cluster.apply(o.deployment("shop", "asks", asks))
        wait_for(
            lambda: cls.collector.raw('container_tcp_connect_failures_total{peer_service="asked"}'),
            "who the peer is",
            30,
            0.2,
        )
        wait_for(
            lambda: cls.collector.raw('container_syscalls_total{syscall="ioprio_get"}'),
            "samples of the jobs",
            30,
            0.2,
        )
        intervals = cls.agent.metric("leadline_agent_export_batches_sent_total")
        wait_for(
            lambda: cls.agent.metric("leadline_agent_export_batches_sent_total") >= intervals + 5,
            "five more batches",
            30,
            0.2,
        )

    def replay(self, *options):
        """As nobody."""
        return subprocess.run(
            [
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--inh-caps=-all",
                "--bounding-set=-all",
                paths.program("leadline-agent"),
                "--replay",
                self.recording,
                *options,
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @staticmethod
    def counts(done):
        counts = dict(line.split(None, 1) for line in done.stdout.splitlines())
        counts.pop("batches")
        return counts

    @staticmethod
    def everything(collector):
        """All that a collector has, {metric: {labels: samples}}."""
        names = collector.api("label/__name__/values")
        return {
            name: (
                collector.raw(f'{{__name__="{name}"}}'),
                collector.histograms(f'{{__name__="{name}"}}'),
            )
            for name in names
        }

    def test_the_collector_has_the_same(self):
        other = Collector(os.path.join(self.folder, "replayed"))
        self.addCleanup(other.stop)
        other.up()
        done = self.replay("--collector", f"127.0.0.1:{other.ports['grpc']}")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        for word in ("unanswered", "unasked", "malformed"):
            self.assertNotIn(word, done.stdout)

        live, replayed = self.everything(self.collector), self.everything(other)
        self.assertGreater(len(live), 50)
        self.assertEqual(sorted(live), sorted(replayed))
        samples = 0
        for name, (floats, histograms) in live.items():
            for kind, then, now in (
                ("floats", floats, replayed[name][0]),
                ("histograms", histograms, replayed[name][1]),
            ):
                self.assertEqual(sorted(then), sorted(now), f"series of {name}, {kind}")
                for labels, values in then.items():
                    self.assertEqual(values, now[labels], f"{name} {labels}, {kind}")
                    samples += len(values)
        self.assertGreater(samples, 5000)
        self.assertIn(
            ("pod", "job1"),
            {pair for labels in live["container_syscalls_total"][0] for pair in labels},
        )

    def test_to_nothing_prints_counts_the_same_each_time(self):
        first, second = self.replay(), self.replay()
        self.assertEqual(first.returncode, 0, first.stderr)
        counts = self.counts(first)
        # Which series has which number, and so how many bytes it takes, is the process'.
        self.assertEqual(counts, self.counts(second))
        self.assertGreater(int(counts["floats"]), 5000)
        self.assertGreater(int(counts["histograms"]), 50)

    def dump(self, what, *options):
        done = subprocess.run(
            [paths.program("leadline"), "debug", "dump", what, self.recording, *options],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_recording_as_text(self):
        text = self.dump("recording")
        self.assertTrue(text.startswith("recording "))
        self.assertTrue(text.endswith("--- end\n"))
        self.assertIn(f'cluster="{self.cluster.name}" node="{self.cluster.node_name}"', text)
        self.assertIn('{applied={meta={uid="', text)
        self.assertIn("directory /proc: {error=0 ", text)
        self.assertIsNone(re.search(r"malformed$", text, re.MULTILINE))

    def test_the_wire_as_text(self):
        text = self.dump("wire")
        self.assertIn('container_syscalls_total{abi="x86_64", syscall="ioprio_get"}', text)
        self.assertIn('pod="job1"', text)
        self.assertRegex(text, r"\n  frame \d{4}-\d\d-\d\dT")

    def test_a_cut_recording_is_replayed_and_named(self):
        cut = os.path.join(self.folder, "cut.llrec")
        with open(self.recording, "rb") as f:
            whole = f.read()
        with open(cut, "wb") as f:
            f.write(whole[:-100])
        os.chmod(cut, 0o644)
        self.recording = cut
        done = self.replay()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"recording {cut}: at byte ", done.stderr)
        self.assertIn("it ends within", done.stderr)
        self.assertGreater(int(self.counts(done)["intervals"]), 1)


if __name__ == "__main__":
    unittest.main()
