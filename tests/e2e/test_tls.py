"""Agent, collector and command line by certificates and tokens, in a network of their own, as the
guide has it: docs/guides/tls.md."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from minicluster import paths, wait_for
from minicluster.in_cluster import in_network_of
from programs import Program

_GUIDE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "guides", "tls.md"
)
_ADDRESS = "10.77.0.1"
_HTTP, _AGENT_HTTP = 7070, 7072
TIMEOUT_S = 60


class Network:
    """A network namespace in which the guide's address is this machine's."""

    def __init__(self):
        self._holder = subprocess.Popen(
            ["unshare", "--net", "setpriv", "--pdeathsig", "KILL", "--", "cat"],
            stdin=subprocess.PIPE,
        )
        # The holder has left our namespace once its own differs.
        ours = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(self._path()) != ours, "a network namespace", 10, 0.01)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{_ADDRESS}/32", "dev", "lo")

    def _path(self):
        return f"/proc/{self._holder.pid}/ns/net"

    def enter(self, *command):
        return ["nsenter", f"--net={self._path()}", "--", *command]

    def run(self, *command, **options):
        return subprocess.run(self.enter(*command), check=True, **options)

    def connect(self, port):
        address = (_ADDRESS, port)
        return in_network_of(
            self._holder.pid, lambda: socket.create_connection(address, timeout=TIMEOUT_S)
        )

    def close(self):
        self._holder.stdin.close()
        self._holder.wait()


class Secured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="leadline-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = Network()
        cls.addClassCleanup(cls.network.close)
        with open(_GUIDE, encoding="utf-8") as f:
            cls.guide = cls.local(f.read())
        for script in cls.blocks("sh"):
            cls.shell(script)
        for text in cls.blocks("yaml"):
            path = re.match(r"# (\S+)\n", text)[1]
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        with open(cls.path("agent.yaml"), "a", encoding="utf-8") as f:
            f.write(f"state: {cls.folder}/agent-state\n")
        cls.collector = cls.start("leadline-collector", cls.path("collector.yaml"))
        cls.agent = cls.start("leadline-agent", cls.path("agent.yaml"))

    @classmethod
    def local(cls, text):
        """The guide's folders, in ours."""
        return text.replace("/etc/leadline", f"{cls.folder}/etc").replace(
            "/var/lib/leadline", f"{cls.folder}/data"
        )

    @classmethod
    def path(cls, name):
        return f"{cls.folder}/etc/{name}"

    @classmethod
    def blocks(cls, language):
        found = re.findall(rf"^```{language}\n(.*?)^```$", cls.guide, re.M | re.S)
        assert found, f"the guide has no {language}"
        return found

    @classmethod
    def shell(cls, script):
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], check=True, capture_output=True, text=True
        )

    @classmethod
    def start(cls, name, config):
        program = Program(name, cls.folder, within=cls.network.enter())
        program.start("--config", config)
        cls.addClassCleanup(program.stop)
        program.wait_listening()
        return program

    def run(self, result=None):
        problems = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > problems:
            for program in (self.collector, self.agent):
                print(f"\n--- {program.name} ---\n{program.log()[-3000:]}")

    def query(self, replace=("", "")):
        """The guide's query, with a text of it replaced; (exit code, standard output, errors)."""
        command = self.blocks("query")[0]
        if replace[0]:
            self.assertIn(replace[0], command)
            command = command.replace(*replace)
        command = command.replace("leadline query", f"{paths.program('leadline')} query -o csv", 1)
        ended = subprocess.run(
            self.network.enter("bash", "-c", command), capture_output=True, text=True, check=False
        )
        return ended.returncode, ended.stdout, ended.stderr

    def get(self, port, path, headers=()):
        """The answer over TLS, whole."""
        context = ssl.create_default_context(cafile=self.path("pki/ca.crt"))
        with self.network.connect(port) as connection, context.wrap_socket(
            connection, server_hostname=_ADDRESS
        ) as tls:
            lines = [f"GET {path} HTTP/1.1", f"Host: {_ADDRESS}", "Connection: close", *headers]
            tls.sendall("\r\n".join([*lines, "", ""]).encode())
            answer = b""
            while chunk := tls.recv(65536):
                answer += chunk
            return answer.decode(), tls.getpeercert()["serialNumber"]

    def samples(self):
        """What the collector has taken of the agent's."""
        with open(self.path("reader.token"), encoding="ascii") as f:
            token = f.read().strip()
        answer, _ = self.get(_HTTP, "/metrics", [f"Authorization: Bearer {token}"])
        return float(re.search(r"^leadline_collector_ingest_samples_total (\S+)", answer, re.M)[1])

    def wait_more_samples(self):
        before = self.samples()
        wait_for(
            lambda: self.samples() > before,
            lambda: f"more samples; the agent's log:\n{self.agent.log()[-2000:]}",
            TIMEOUT_S,
            0.2,
        )

    def test_the_guides_query_is_answered(self):
        wait_for(
            lambda: self.query()[1].count("\n") >= 2,
            lambda: f"an answer; it is {self.query()}",
            TIMEOUT_S,
            0.2,
        )
        self.assertEqual(self.query()[0], 0)

    def test_the_command_says_what_is_missing(self):
        token = f"--token-file {self.path('reader.token')}"
        code, _, errors = self.query((token, ""))
        self.assertEqual(code, 1)
        self.assertIn("401 unauthorized: a bearer token is needed\n--token-file", errors)
        # An agent's token does not open the API.
        _, _, errors = self.query((token, f"--token-file {self.path('agent.token')}"))
        self.assertIn("401 unauthorized: the bearer token is not valid", errors)
        _, _, errors = self.query((f"--ca {self.path('pki/ca.crt')}", ""))
        self.assertIn("is not trusted", errors)
        _, _, errors = self.query(("https://", "http://"))
        self.assertIn("are for https", errors)

    def test_health_is_open_and_metrics_are_not(self):
        for port in (_HTTP, _AGENT_HTTP):
            self.assertIn("200 OK", self.get(port, "/livez")[0].partition("\r\n")[0])
            self.assertIn("401 ", self.get(port, "/metrics")[0].partition("\r\n")[0])

    def test_certificates_and_tokens_change_while_all_runs(self):
        self.wait_more_samples()
        _, before = self.get(_HTTP, "/livez")
        functions = self.blocks("sh")[0].partition("issue()")
        issue = f"cd {self.path('pki')}; issue(){functions[2]}"
        self.shell(issue)
        wait_for(
            lambda: self.get(_HTTP, "/livez")[1] != before, "the new certificate", TIMEOUT_S, 0.2
        )
        # A new token ends the agent's session; it finds the new one by itself.
        sessions = self.agent.log().count("connected to collector")
        self.shell(self.blocks("sh")[1])
        wait_for(
            lambda: self.agent.log().count("connected to collector") > sessions,
            lambda: f"another session; the agent's log:\n{self.agent.log()[-2000:]}",
            TIMEOUT_S,
            0.2,
        )
        self.wait_more_samples()

    def test_nothing_opens_beyond_loopback_unprotected(self):
        for name, args in (
            ("leadline-collector", ["--data", f"{self.folder}/open", "--http", f"{_ADDRESS}:0"]),
            ("leadline-agent", ["--state", f"{self.folder}/open", "--http", f"{_ADDRESS}:0"]),
        ):
            ended = subprocess.run(
                self.network.enter(paths.program(name), *args),
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(ended.returncode, 2)
            self.assertIn("is not loopback, so whoever reaches it could use it", ended.stderr)
            self.assertIn("--http-tokens-file", ended.stderr)
        folder = os.path.join(self.folder, "insecure")
        program = Program("leadline-collector", folder, within=self.network.enter())
        self.addCleanup(program.stop)
        program.start(
            *("--data", f"{self.folder}/open", "--insecure"),
            *("--http", f"{_ADDRESS}:0", "--grpc", "127.0.0.1:0"),
        )
        program.wait_listening()
        self.assertIn("--insecure: whoever reaches http", program.log())

    def test_a_broken_configuration_is_told_with_its_lines(self):
        path = self.path("broken.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"state: {self.folder}/x\ninterval: 10 parsecs\nhttp: {_ADDRESS}:0\nnodes: a\n")
        ended = subprocess.run(
            [paths.program("leadline-agent"), "--config", path],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(ended.returncode, 2)
        self.assertTrue(
            ended.stderr.startswith(
                f'leadline-agent: {path}:2: interval: "10 parsecs" is not a duration'
            ),
            ended.stderr,
        )
        self.assertIn(f"leadline-agent: {path}:4: nodes: unknown key", ended.stderr)
        checked = subprocess.run(
            [paths.program("leadline"), "check", "config", self.path("agent.yaml")],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(checked.stdout, f"{self.path('agent.yaml')}: ok (leadline-agent)\n")


if __name__ == "__main__":
    unittest.main()
