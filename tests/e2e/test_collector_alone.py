"""The collector and the command line without any agent: rules are what writes to it."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from minicluster import paths, wait_for
from programs import Collector

DISK_MIB = 160  # it takes no writes below 64 MiB


class AloneCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="leadline-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.rules = os.path.join(self.folder, "rules.yaml")

    def write_rules(self, text):
        with open(self.rules, "w", encoding="utf-8") as f:
            f.write(text)

    def write_rule(self, expression):
        self.write_rules(
            "groups:\n"
            "- name: alone\n"
            "  rules:\n"
            "  - record: alone:answer\n"
            f"    expr: {expression}\n"
        )

    def collector(self, folder, *options):
        collector = Collector(folder, ("--rules", self.rules, "--rule-interval", "200ms", *options))
        self.addCleanup(collector.stop)
        return collector

    def wait_answer(self, collector, want):
        wait_for(
            lambda: list(collector.query("alone:answer").values()) == [want],
            lambda: f"{want}; it is {collector.query('alone:answer')}; its log:\n{collector.log()}",
            20,
            0.1,
        )


class Rules(AloneCase):
    def check(self):
        return subprocess.run(
            [paths.program("leadline"), "check", "rules", self.rules],
            capture_output=True,
            text=True,
            check=False,
        )

    def test_are_checked_recorded_and_read_again(self):
        self.write_rule("vector(41)")
        checked = self.check()
        self.assertEqual(
            (checked.returncode, checked.stdout, checked.stderr),
            (0, f"{self.rules}: ok (1 groups, 1 recording rules)\n", ""),
        )
        collector = self.collector(os.path.join(self.folder, "collector")).up()
        self.wait_answer(collector, 41)

        self.write_rule("vector(42)")
        collector.process.send_signal(signal.SIGHUP)
        self.wait_answer(collector, 42)
        self.assertIn("rule files read again", collector.log())

        # A mistake changes nothing but for the log.
        self.write_rule("vector(43")
        checked = self.check()
        self.assertEqual((checked.returncode, checked.stdout), (1, ""))
        self.assertRegex(checked.stderr, rf"^{self.rules}:5: .*\n$")
        collector.process.send_signal(signal.SIGHUP)
        wait_for(
            lambda: "the rules stay as they were" in collector.log(),
            lambda: collector.log(),
        )
        self.assertIn(f"{self.rules}:5: ", collector.log())
        evaluations = collector.metric("leadline_collector_rule_evaluations_total")
        wait_for(
            lambda: collector.metric("leadline_collector_rule_evaluations_total") > evaluations,
            "the rule from before to be evaluated again",
        )
        self.wait_answer(collector, 42)
        self.assertEqual(collector.stop(), 0)
        # Who starts with a mistake is told.
        collector.start("--data", collector.data_dir, "--rules", self.rules)
        self.assertNotEqual(collector.process.wait(20), 0)
        self.assertIn(f"{self.rules}:5: ", collector.log())

    def test_mistakes_are_told_before_there_is_a_store(self):
        self.write_rule("vector(43")
        missing = os.path.join(self.folder, "missing.yaml")
        for options, said in (
            (("--rules", self.rules), f"{self.rules}:5: "),
            (("--rules", missing), f'"{missing}" cannot be read: No such file or directory'),
            (("--cors-origin", "("), '--cors-origin: "(" is no regular expression: '),
        ):
            with self.subTest(said):
                collector = Collector(os.path.join(self.folder, "early"))
                self.addCleanup(collector.stop)
                collector.start("--data", collector.data_dir, *options)
                self.assertNotEqual(collector.process.wait(20), 0)
                self.assertIn(said, collector.log())
                self.assertFalse(os.path.exists(collector.data_dir))


class Unreadable(AloneCase):
    def test_ends_and_says_why(self):
        self.write_rule("vector(7)")
        collector = self.collector(os.path.join(self.folder, "collector")).up()
        self.wait_answer(collector, 7)
        self.assertEqual(collector.stop(), 0)
        quarantine = os.path.join(collector.data_dir, "quarantine")
        with open(quarantine, "w", encoding="utf-8") as f:
            f.write("in the way")
        collector.start(
            *("--data", collector.data_dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"),
            *("--rules", self.rules),
        )
        self.assertEqual(collector.process.wait(20), 1)
        self.assertIn(f"list {quarantine}: Not a directory", collector.log())


class FullDisk(AloneCase):
    def setUp(self):
        super().setUp()
        self.disk = os.path.join(self.folder, "disk")
        os.mkdir(self.disk)
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "leadline", self.disk], check=True
        )
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.filler = os.path.join(self.disk, "filler")

    def fill(self):
        with open(self.filler, "wb", buffering=0) as f:
            block = bytes(4096)
            try:
                while True:
                    f.write(block)
            except OSError:
                pass
        space = os.statvfs(self.disk)
        self.assertEqual(space.f_bavail, 0)

    def samples(self, collector):
        return sum(len(s) for s in collector.raw("alone:answer").values())

    def test_answers_and_goes_on_by_itself(self):
        self.write_rule("vector(7)")
        collector = self.collector(os.path.join(self.folder, "collector"))
        collector.data_dir = os.path.join(self.disk, "data")
        collector.up()
        wait_for(lambda: self.samples(collector) >= 3, lambda: collector.log(), 20, 0.1)
        self.assertEqual(collector.stop(), 0)
        self.fill()

        collector.start(
            *("--data", collector.data_dir, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"),
            *("--rules", self.rules, "--rule-interval", "200ms"),
        )
        collector.wait_listening()
        # Ready for questions, once the log is read; not for samples.
        wait_for(
            lambda: "0 bytes left" in collector.get("/readyz?verbose")[1],
            lambda: f"{collector.get('/readyz?verbose')}; its log:\n{collector.log()}",
        )
        self.assertEqual(collector.get("/readyz")[0], 503)
        before = self.samples(collector)
        self.assertGreaterEqual(before, 3)

        def refused():
            groups = collector.api("rules")["groups"]
            return "0 bytes left" in groups[0]["rules"][0].get("lastError", "")

        wait_for(refused, lambda: f"{collector.api('rules')}; its log:\n{collector.log()}")
        self.assertEqual(self.samples(collector), before)

        os.remove(self.filler)
        collector.wait_ready()
        wait_for(
            lambda: self.samples(collector) >= before + 3, lambda: collector.log(), 20, 0.1
        )
        self.assertEqual(collector.stop(), 0)


if __name__ == "__main__":
    unittest.main()
