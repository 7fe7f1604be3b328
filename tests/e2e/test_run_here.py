"""`./dev run`: this machine's processes and control groups, through the collector's API."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from minicluster import paths
from runtime_hosts import Podman

_HERE = os.path.dirname(os.path.abspath(__file__))


# Puts the folder $0 in podman's usual place for the command that follows.
_IN_THE_USUAL_PLACE = """
mount -t tmpfs leadline-test /var/lib && mkdir -p /var/lib/containers/storage &&
mount --bind "$0" /var/lib/containers/storage && exec "$@"
"""


class RunHere(unittest.TestCase):
    def test_shows_this_machine_and_ends(self):
        folder = tempfile.mkdtemp(prefix="leadline-e2e-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        podman = Podman(os.path.join(folder, "podman"))
        self.addCleanup(podman.down)
        podman.start(
            "shop-db", "/bin/calls", "--call", "times", "--result", "/tmp/r", "--rate", "50"
        )
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", _IN_THE_USUAL_PLACE, podman.storage]
            + [sys.executable, os.path.join(_HERE, "run_here.py"), "--once"],
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
            tables["System calls a second by container"],
            rf"(?m)^.*shop-db +{podman.image} +\d",
        )
        self.assertRegex(
            tables["System calls a second outside of containers"], r"(?m)^.*ID +(UNIT +)?VALUE$"
        )
        self.assertRegex(tables["The busiest system calls"], r"(?m)^[a-z_0-9]+ +\d")


if __name__ == "__main__":
    unittest.main()
