"""The feeder, phase by phase, and what the fed server takes in each."""

import json
import os
import subprocess

from minicluster import paths


class Feeder:
    def __init__(self, server, nodes, start_ms, phases, options=()):
        """phases: (name, scrapes) or (name, scrapes, "replace")."""
        self._server = server
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL", "--"),
                os.path.join(paths.build_dir(), "bin", "leadline_bench_store_feed"),
                *server.feeder_arguments(),
                *("--nodes", str(nodes), "--start-ms", str(start_ms)),
                *(f"--phase={':'.join(map(str, phase))}" for phase in phases),
                *options,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asked = False

    def phase(self):
        """Runs the next phase: what it sent, with the server's `cpu_s` and `peak_bytes` in it."""
        self._server.take_peak()
        cpu = self._server.cpu_s()
        if self._asked:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        self._asked = True
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the feeder of {self._server.name} ended with {self._process.wait()}")
        sent = json.loads(line)
        sent["cpu_s"] = self._server.cpu_s() - cpu
        sent["peak_bytes"] = self._server.take_peak()
        return sent

    def end(self):
        self._process.stdin.write("\n")
        self._process.stdin.close()
        if self._process.wait() != 0:
            raise RuntimeError(f"the feeder of {self._server.name} ended with {self._process.returncode}")


def entropy(nodes, start_ms):
    """Bits a sample that the data could take; see entropy.h."""
    return json.loads(
        subprocess.check_output(
            [
                os.path.join(paths.build_dir(), "bin", "leadline_bench_store_feed"),
                "--entropy",
                *("--nodes", str(nodes), "--start-ms", str(start_ms)),
            ],
            text=True,
        )
    )
