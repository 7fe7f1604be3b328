"""However `./dev run` and `./dev demo` are stopped, nothing stays behind."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

from minicluster import wait_for

_PREFIX = "leadline-show-test-"
_HELD = f"""
import show, signal
def run():
    with show.folder({_PREFIX!r}) as folder:
        print(folder, flush=True)
        %s
import sys
sys.exit(show.main("held", run))
"""
_WORKING = "signal.pause(); print('not reached')"
_WAITING = "show.wait_for_stop(); print('in order', flush=True)"
_FAILING = "raise RuntimeError('no luck')"
_PAUSE = "34"  # of x86_64


def _pauses(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as f:
        return f.read().split()[0] == _PAUSE


class Show(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name

    def start(self, doing):
        process = subprocess.Popen(
            [sys.executable, "-c", _HELD % doing],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            env={**os.environ, "TMPDIR": self.root},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertTrue(process.stdout.readline().startswith(self.root))
        if doing != _FAILING:
            wait_for(lambda: _pauses(process.pid), "it waits for a signal")
        return process

    def end(self, process, signal_number=None):
        """Exit code, output and errors."""
        if signal_number is not None:
            process.send_signal(signal_number)
        out, err = process.communicate(timeout=20)
        return process.returncode, out.strip(), err.strip()

    def test_a_signal_ends_it_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.assertEqual(self.end(self.start(_WORKING), number), (128 + number, "", ""))
                self.assertEqual(self.end(self.start(_WAITING), number), (0, "in order", ""))
                self.assertEqual(os.listdir(self.root), [])

    def test_an_error_is_a_message(self):
        self.assertEqual(self.end(self.start(_FAILING)), (1, "", "held: no luck"))
        self.assertEqual(os.listdir(self.root), [])

    def test_what_a_killed_run_left_goes_with_the_next(self):
        living = self.start(_WORKING)
        killed = self.start(_WORKING)
        self.end(killed, signal.SIGKILL)
        self.assertEqual(len(os.listdir(self.root)), 2)
        other = os.path.join(self.root, "somebody-else")
        os.mkdir(other)
        self.end(self.start(_FAILING))
        self.assertEqual(len(os.listdir(self.root)), 2, "the living one's and somebody else's")
        self.end(living, signal.SIGTERM)
        self.assertEqual(os.listdir(self.root), ["somebody-else"])


if __name__ == "__main__":
    unittest.main()
