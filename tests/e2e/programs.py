"""Leadline's own programs: started on free ports, ended with the test, killed on demand."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from minicluster import paths, wait_for

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 15
_TELLING = ("namespace", "controller", "pod", "container", "id", "syscall", "abi", "interface")
_LISTENING = re.compile(r'msg="listening ([^"]*)"')


def forbids_walks():
    """Whether this kernel lets nobody iterate over a map: open connections are not read then."""
    report = subprocess.run(
        [paths.program("leadline-agent"), "--dry-run"], capture_output=True, text=True, check=False
    )
    return "why: tcp_walk: Operation not permitted" in report.stdout


def brief(raw):
    """Raw samples for a message: of each series the labels that tell it apart and its ends."""
    lines = []
    for labels, samples in raw.items():
        named = {k: v for k, v in labels if k in _TELLING and v}
        ends = samples if len(samples) <= 8 else [*samples[:4], "…", *samples[-4:]]
        lines.append(f"{named} {len(samples)} samples {ends}")
    return "\n".join(lines) or "no series"


def _environment():
    """Ours, without what would lead a program to a cluster that no test means."""
    kube = ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
    return {name: value for name, value in os.environ.items() if name not in kube}


class Program:
    """A process with a log; it dies with the process (and the thread) that started it."""

    def __init__(self, name, folder, within=()):
        """`within`: a command that runs the program, which follows it, in surroundings of its own
        (`unshare`), as the same process."""
        self.name = name
        self._within = list(within)
        self.folder = folder
        self.log_path = os.path.join(folder, f"{name}.log")
        self.process = None
        self.ports = {}
        self._log_start = 0

    def start(self, *args):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._log_start = log.tell()
            self.process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "--"),
                    *self._within,
                    paths.program(self.name),
                    *args,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us, who then stop them in order
                env=_environment(),
            )
        return self

    def log(self):
        """What it has logged since its last start."""
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            f.seek(self._log_start)
            return f.read()

    def wait_listening(self):
        """Reads the bound ports from the line that says so: ports["http"], ports["grpc"]."""

        def listening():
            self.check_running()
            return _LISTENING.search(self.log())

        match = wait_for(
            listening, lambda: f"{self.name} listens; its log:\n{self.log()}", START_TIMEOUT_S
        )
        for item in match[1].split():
            what, _, address = item.partition("=")
            self.ports[what] = int(address.rsplit(":", 1)[1])

    def check_running(self):
        if self.process.poll() is not None:
            raise AssertionError(
                f"{self.name} ended with {self.process.returncode}; its log:\n{self.log()}"
            )

    def get(self, path, timeout_s=10):
        """(status, body) of its HTTP server."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.ports['http']}{path}", timeout=timeout_s
            ) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode()

    def wait_ready(self):
        def ready():
            self.check_running()
            return self.get("/readyz?verbose")[0] == 200

        wait_for(
            ready,
            lambda: f"{self.name} is ready: {self.get('/readyz?verbose')}; its log:\n{self.log()}",
            START_TIMEOUT_S,
        )

    def metric(self, name, **labels):
        """The sum of the samples of one of its own metrics; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics")[1].splitlines():
            match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)", line)
            if (
                match
                and match[1] == name
                and all(f'{k}="{v}"' in (match[2] or "") for k, v in labels.items())
            ):
                total += float(match[3])
        return total

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """SIGTERM; its exit code, which is 0 for an orderly end."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.name} did not end within {STOP_TIMEOUT_S} s of SIGTERM; its log:\n"
                f"{self.log()}"
            ) from None


class Collector(Program):
    def __init__(self, folder, options=()):
        super().__init__("leadline-collector", folder)
        self._options = options
        self.data_dir = os.path.join(folder, "data")

    def up(self):
        """Starts it, after the first time on the ports that it had."""
        self.start(
            "--data",
            self.data_dir,
            "--http",
            f"127.0.0.1:{self.ports.get('http', 0)}",
            "--grpc",
            f"127.0.0.1:{self.ports.get('grpc', 0)}",
            *self._options,
        )
        self.wait_listening()
        self.wait_ready()
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports['http']}"

    def api(self, path, **parameters):
        """`data` of a successful answer of the Prometheus API."""
        status, body = self.get(
            f"/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}", 60
        )
        answer = json.loads(body)
        if status != 200 or answer["status"] != "success":
            raise AssertionError(f"{path} {parameters}: {status} {body}")
        return answer["data"]

    def query(self, expression, at=None):
        """An instant vector as {sorted label pairs: value}."""
        parameters = (
            {"query": expression} if at is None else {"query": expression, "time": f"{at:.3f}"}
        )
        data = self.api("query", **parameters)
        return {tuple(sorted(e["metric"].items())): float(e["value"][1]) for e in data["result"]}

    def by(self, expression, *labels, at=None):
        """An instant vector as {values of the labels: value}."""
        return {
            tuple(dict(key).get(label, "") for label in labels): value
            for key, value in self.query(expression, at).items()
        }

    def raw(self, selector, window="1h", at=None):
        """Raw samples: {sorted label pairs: [(timestamp, value)]}, without staleness markers."""
        parameters = {"query": f"{selector}[{window}]", **({"time": f"{at:.3f}"} if at else {})}
        data = self.api("query", **parameters)
        return {
            tuple(sorted(e["metric"].items())): [(t, float(v)) for t, v in e.get("values", [])]
            for e in data["result"]
        }

    def histograms(self, selector, window="1h"):
        """Raw native histograms: {sorted label pairs: [(timestamp, {"count", "sum", "buckets"})]}."""
        data = self.api("query", query=f"{selector}[{window}]")
        return {
            tuple(sorted(e["metric"].items())): [(t, h) for t, h in e.get("histograms", [])]
            for e in data["result"]
        }


class Agent(Program):
    def __init__(
        self,
        folder,
        collector,
        cluster,
        node,
        kubernetes_url,
        interval="1s",
        state=None,
        within=(),
        options=(),
    ):
        super().__init__("leadline-agent", folder, within)
        self._args = [
            "--collector",
            f"127.0.0.1:{collector.ports['grpc']}",
            "--cluster",
            cluster,
            "--node",
            node,
            "--interval",
            interval,
            "--state",
            state or os.path.join(folder, "agent-state"),
            # Programs with sanitizers would take too much, and leave out what is counted.
            *("--max-cpu", "0"),
            *options,
        ]
        if kubernetes_url:
            self._args += ["-k", kubernetes_url]

    def command(self, *args):
        """To run it by hand, without an HTTP server."""
        return [*self._within, paths.program(self.name), *self._args, "--http", "", *args]

    def add_args(self, *args):
        self._args += args

    def change_arg(self, flag, value):
        self._args[self._args.index(flag) + 1] = value

    def start_without_http(self):
        return self.start(*self._args, "--http", "")

    def start_only(self):
        """It is not ready without a collector."""
        self.start(*self._args, "--http", f"127.0.0.1:{self.ports.get('http', 0)}")
        self.wait_listening()
        return self

    def up(self):
        self.start_only()
        self.wait_ready()
        return self
