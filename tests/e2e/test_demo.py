"""What `./dev demo` prints is what its workloads do."""

import os
import re
import subprocess
import sys
import unittest

from demo import NO_OPEN_CONNECTIONS
from minicluster import paths
from programs import forbids_walks

_DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.py")


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run(
            [sys.executable, _DEMO, os.path.join(paths.build_dir(), "bin")],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"demo.py: {done.returncode}: {done.stderr[-3000:]}")
        cls.sections = dict(section.split("\n", 1) for section in done.stdout.split("## ")[1:])

    def value(self, title, *row):
        """The number at the end of the row of the section whose title begins so."""
        text = next(t for name, t in self.sections.items() if name.startswith(title))
        match = re.search(
            r"^" + r"\s+".join(map(re.escape, row)) + r"\s+(\S+)$", text, re.MULTILINE
        )
        self.assertIsNotNone(match, f"no row {row} in:\n{text}")
        return float(match[1])

    def test_the_figures_are_those_of_the_workloads(self):
        for title, row, want, within in [
            ("The five busiest", ("web", "getpriority"), 600, 60),
            ("CPU", ("data", "store"), 0.2, 0.05),
            ("Memory", ("data", "store"), 48, 4),
            ("Bytes", ("shop", "cart"), 256 << 10, 32 << 10),
            ("The job", ("batch", "CronJob", "nightly"), 200, 0),
        ]:
            with self.subTest(title):
                self.assertAlmostEqual(self.value(title, *row), want, delta=within)
        for namespace, controller in [
            ("shop", "web"),
            ("shop", "<none>"),
            ("kube-system", "node-agent"),
        ]:
            self.assertGreater(self.value("System calls", namespace, controller), 10)
        with self.assertRaises(AssertionError):
            self.value("Bytes", "kube-system", "node-agent")

    def test_the_connection_between_its_workloads(self):
        if forbids_walks():
            for title in ("Open TCP", "TCP payload"):
                section = next(t for name, t in self.sections.items() if name.startswith(title))
                self.assertTrue(section.startswith(NO_OPEN_CONNECTIONS), section)
            return
        sent = self.value("TCP payload", "shop", "cart", "client")
        self.assertAlmostEqual(sent, 256 << 10, delta=16 << 10)
        for controller, peer, role in [("cart", "web", "client"), ("web", "cart", "server")]:
            self.assertRegex(
                self.sections["Open TCP connections, by who is at the other end"],
                rf"(?m)^shop +{controller} .*\bshop +{peer}\b.* {role} .* 1$",
            )


if __name__ == "__main__":
    unittest.main()
