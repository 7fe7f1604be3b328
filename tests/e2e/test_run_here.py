"""`./dev run`: this machine's processes and control groups, through the collector's API."""

import os
import subprocess
import sys
import unittest

from minicluster import paths

_HERE = os.path.dirname(os.path.abspath(__file__))


class RunHere(unittest.TestCase):
    def test_shows_this_machine_and_ends(self):
        done = subprocess.run(
            [sys.executable, os.path.join(_HERE, "run_here.py"), "--once"],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env={**os.environ, "LEADLINE_BUILD_DIR": paths.build_dir()},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        tables = dict(part.split("\n", 1) for part in done.stdout.split("## ")[1:])
        memory = tables["Memory of processes, in MiB"]
        self.assertRegex(memory, r"(?m)^PID +PROCESS +VALUE$")
        self.assertRegex(memory, r"(?m)^\d+ +\S.* +\d")
        self.assertRegex(
            tables["System calls a second by container or control group"], r"(?m)^.*ID +VALUE$"
        )
        self.assertRegex(tables["The busiest system calls"], r"(?m)^[a-z_0-9]+ +\d")


if __name__ == "__main__":
    unittest.main()
