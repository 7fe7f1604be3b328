"""The stores that are measured: ours, and Debian's prometheus and victoria-metrics, on free loopback ports."""

import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

import gauges
from minicluster import paths, wait_for
from programs import Collector

_START_TIMEOUT_S = 300
_STOP_TIMEOUT_S = 120
_READY_TIMEOUT_S = 5  # of one question
_SETTLE_TIMEOUT_S = 900
NATIVE = "agents, native histograms"
_IDLE_S = 20  # servers close connections that are not used for longer


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """One store, its process and its folder. `name` is for the tables, `dialect` for the queries."""

    dialect = "classic"

    def __init__(self, name, folder):
        self.name = name
        self.folder = os.path.join(folder, name.replace(" ", "-"))
        self.data = os.path.join(self.folder, "data")
        self.port = 0
        self.pid = 0
        self._connection = None
        self._last_asked = 0.0
        self._peak = None
        os.makedirs(self.folder, exist_ok=True)

    # --- Its process ---

    def start(self):
        self._start()
        self._peak = gauges.Peak(self.pid)
        return self

    def stop(self):
        self._disconnect()
        if self._peak:
            self._peak.stop()
            self._peak = None
        self._stop()

    def restart_cold(self):
        """With nothing of its files in memory."""
        self.stop()
        gauges.forget(self.data)
        self.start()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- What it takes ---

    def cpu_s(self):
        return gauges.cpu_s(self.pid)

    def take_peak(self):
        return self._peak.take()

    def disk(self):
        """Bytes on disk, settled, by part; "all" is what counts."""
        return {"all": gauges.disk_bytes(self.data)}

    # --- Asking it ---

    def ask(self, method, path, parameters=(), timeout_s=600):
        """(status, body, seconds, CPU seconds)."""
        if time.monotonic() - self._last_asked > _IDLE_S:
            self._disconnect()
        self._last_asked = time.monotonic()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self._connection.timeout = timeout_s  # of connecting
        if self._connection.sock:
            self._connection.sock.settimeout(timeout_s)
        query = urllib.parse.urlencode([*parameters, *self._every_query()])
        target = path + ("?" + query if query else "")
        cpu, begin = self.cpu_s(), time.perf_counter()
        try:
            self._connection.request(method, target)
            response = self._connection.getresponse()
            body = response.read()
        except (http.client.HTTPException, OSError):
            self._disconnect()
            raise
        return response.status, body, time.perf_counter() - begin, self.cpu_s() - cpu

    def _disconnect(self):
        if self._connection:
            self._connection.close()
            self._connection = None

    def _every_query(self):
        return ()

    def must(self, method, path, parameters=()):
        status, body, _, _ = self.ask(method, path, parameters)
        if status // 100 != 2:
            raise RuntimeError(f"{self.name}: {method} {path} is answered {status}: {body[:500]}")
        return body

    # --- Each its own ---

    def feeder_arguments(self):
        return ["--remote-write", f"http://127.0.0.1:{self.port}/api/v1/write"]

    def settle(self):
        """Until what it has taken in is on disk as it stays."""
        raise NotImplementedError

    def _start(self):
        raise NotImplementedError

    def _stop(self):
        raise NotImplementedError


class Leadline(Server):
    """`protocol`: "agents" or "remote write", the same samples; or NATIVE."""

    def __init__(self, folder, protocol, options=()):
        super().__init__(f"ours, {protocol}", folder)
        self._agent = protocol.startswith("agents")
        self._native = protocol == NATIVE
        self.dialect = "native" if self._native else "classic"
        self._collector = Collector(self.folder, ("--retention", "0", "--max-late", "0", *options))
        self.data = self._collector.data_dir

    def _start(self):
        self._collector.up()
        self.port = int(self._collector.ports["http"])
        self.pid = self._collector.process.pid

    def _stop(self):
        self._collector.stop()

    def kill(self):
        self._disconnect()
        self._peak.stop()
        self._peak = None
        self._collector.kill()

    def feeder_arguments(self):
        if self._agent:
            agent = ["--agent", f"127.0.0.1:{self._collector.ports['grpc']}"]
            return [*agent, "--native"] if self._native else agent
        return super().feeder_arguments()

    def takes_remote_write(self):
        return self.ask("POST", "/api/v1/write")[0] not in (404, 405)

    def settle(self):
        self.must("POST", "/api/v2/admin/flush")

    def is_rolled_up(self, parts):
        """Whether rollups were made of so many four hours, and none are to be made."""
        made, due, stale = (
            self._collector.metric(f"leadline_collector_rollups_{name}")
            for name in ("made_total", "due", "stale")
        )
        return made >= parts and due == 0 and stale == 0


class _Peer(Server):
    program = ""

    def _arguments(self):
        raise NotImplementedError

    def _ready(self):
        raise NotImplementedError

    def _start(self):
        for last in (False, False, True):  # somebody else may take the port before it does
            if self._try_start():
                return
            self._stop()
            if last:
                raise RuntimeError(f"{self.name} ended; its log is {self._log_path()}")

    def _log_path(self):
        return os.path.join(self.folder, "log")

    def _try_start(self):
        """False when it ended at once."""
        self.port = free_port()
        with open(self._log_path(), "ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", paths.tool(self.program), *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid

        def answers_or_ended():
            if self._process.poll() is not None:
                return True
            try:
                return self.ask("GET", self._ready(), timeout_s=_READY_TIMEOUT_S)[0] == 200
            except OSError:
                return False

        wait_for(answers_or_ended, f"{self.name} is ready", _START_TIMEOUT_S)
        return self._listens()

    def _listens(self):
        """Whether it is this process that has the port."""
        sockets = set()
        for fd in glob.glob(f"/proc/{self.pid}/fd/*"):
            try:
                sockets.add(os.readlink(fd))
            except OSError:
                continue
        with open(f"/proc/{os.getpid()}/net/tcp", encoding="ascii") as f:
            for line in f:
                fields = line.split()
                if fields[1] == f"0100007F:{self.port:04X}" and fields[3] == "0A":
                    return f"socket:[{fields[9]}]" in sockets
        return False

    def _stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_STOP_TIMEOUT_S)


class Prometheus(_Peer):
    program = "prometheus"

    def __init__(self, folder):
        super().__init__("prometheus", folder)
        self._block_bytes = 0
        with open(os.path.join(self.folder, "prometheus.yml"), "w", encoding="ascii") as f:
            f.write("{}\n")

    def _arguments(self):
        return [
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.console.templates={self.folder}",
            f"--web.console.libraries={self.folder}",
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
            "--query.timeout=10m",
            "--query.max-samples=200000000",
        ]

    def _ready(self):
        return "/-/ready"

    def settle(self):
        """What is in its head becomes a block only after hours; a snapshot writes it as one."""
        self.must("POST", "/api/v1/admin/tsdb/snapshot")
        snapshots = os.path.join(self.data, "snapshots")
        self._block_bytes = gauges.disk_bytes(snapshots)
        shutil.rmtree(snapshots)

    def disk(self):
        return {"all": self._block_bytes, "with its log": gauges.disk_bytes(self.data)}


class Victoria(_Peer):
    program = "victoria-metrics"

    def __init__(self, folder):
        super().__init__("victoria-metrics", folder)

    def _arguments(self):
        return [
            f"-storageDataPath={self.data}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-search.disableCache",
            "-search.maxQueryDuration=10m",
            "-search.maxSamplesPerQuery=2000000000",
            "-search.maxUniqueTimeseries=2000000",
            "-search.maxSeries=2000000",
        ]

    def _ready(self):
        return "/health"

    def _every_query(self):
        return (("nocache", "1"),)

    def _metric(self, name, containing=""):
        total = 0.0
        for line in self.must("GET", "/metrics").decode().splitlines():
            if line.startswith(name) and containing in line:
                total += float(line.rpartition(" ")[2])
        return total

    def settle(self):
        self.must("GET", "/internal/force_flush")
        self.must("GET", "/internal/force_merge")
        quiet = 0
        deadline = time.monotonic() + _SETTLE_TIMEOUT_S
        last = -1
        while quiet < 3:  # it answers before it begins
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} still merges after {_SETTLE_TIMEOUT_S} s")
            time.sleep(1)
            size = gauges.disk_bytes(self.data)
            quiet = quiet + 1 if self._metric("vm_active_merges") == 0 and size == last else 0
            last = size

    def disk(self):
        return {
            "all": gauges.disk_bytes(self.data),
            "index": self._metric("vm_data_size_bytes", "indexdb"),
        }

    def flush(self):
        """What it holds back in memory goes to disk, without the merge that only settling does."""
        self.must("GET", "/internal/force_flush")


def reading(body):
    """A JSON answer's data."""
    answer = json.loads(body)
    if answer.get("status") != "success":
        raise RuntimeError(f"answered {body[:300]}")
    return answer["data"]
