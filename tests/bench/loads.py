"""Servers and what asks them, as Debian has them: nginx with wrk, Redis with redis-benchmark.

A server runs in network and process namespaces of its own, of which it is the first process: its clients reach it on
the loopback of those, and all of it ends with this process.
"""

import collections
import os
import re
import subprocess

from minicluster import paths, wait_for

_NS = 1_000_000_000
_CONNECTIONS = 50
_PORT = 8080
_PAGE_BYTES = 612  # as nginx's welcome page

# What Debian's nginx.conf says, but for the folders and its user.
_NGINX = """
daemon off;
user root;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  sendfile on;
  tcp_nopush on;
  default_type text/html;
  access_log {folder}/access.log;
  gzip on;
  server {{
    listen {port};
    root {folder}/files;
  }}
}}
"""

# `cpu_ns`: of the client.
Answered = collections.namedtuple("Answered", "requests seconds cpu_ns")


def threads_cpu_ns(pid):
    """User and system time of a process's threads that there are."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


class _Server:
    def __init__(self, folder, name, program, *args, ready):
        """`ready`: the file that it writes when it listens."""
        self._name = name
        self._log = os.path.join(folder, f"{name}.out")
        with open(self._log, "wb") as log:
            self._holder = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--"]
                + ["unshare", "--net", "--pid", "--fork", "--kill-child=KILL", "--"]
                + ["bash", "-c", 'ip link set lo up && exec -a "$0" "$@"', name, program, *args],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

        def is_ready():
            if self._holder.poll() is not None:
                raise RuntimeError(f"{name} ended at once: {self._said()}")
            return os.path.exists(ready)

        wait_for(is_ready, lambda: f"{name} listens: {self._said()}")
        self._pid = _children(self._holder.pid)[0]

    def _said(self):
        with open(self._log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def cpu_ns(self):
        return sum(threads_cpu_ns(pid) for pid in [self._pid, *_children(self._pid)])

    def ask(self, *command):
        """What a client beside the server prints, and its CPU time."""
        client = subprocess.Popen(
            ["nsenter", "--target", str(self._pid), "--net", "--", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with client.stdout:
            said = client.stdout.read()
        _, status, usage = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        if client.returncode != 0:
            raise RuntimeError(f"{command} ended with {client.returncode}: {said}")
        return said, int((usage.ru_utime + usage.ru_stime) * _NS)

    def stop(self):
        self._holder.kill()
        self._holder.wait()


class Nginx:
    """Debian's nginx, as it is configured there, and a page of its welcome's size; wrk keeps its connections."""

    protocol = "http1"
    what = f"nginx and wrk, {_CONNECTIONS} connections that stay, a page of {_PAGE_BYTES} bytes"

    def __init__(self, folder):
        os.makedirs(os.path.join(folder, "files"))
        self._access_log = os.path.join(folder, "access.log")
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(_NGINX.format(folder=folder, port=_PORT))
        with open(os.path.join(folder, "files", "index.html"), "w", encoding="ascii") as f:
            f.write("x" * _PAGE_BYTES)
        self.server = _Server(
            folder,
            "nginx",
            paths.tool("nginx"),
            *("-c", config, "-e", os.path.join(folder, "error.log")),
            ready=os.path.join(folder, "nginx.pid"),
        )
        self._threads = min(os.cpu_count(), _CONNECTIONS)

    def run(self, seconds):
        os.truncate(self._access_log, 0)
        said, cpu_ns = self.server.ask(
            "wrk",
            *("-t", str(self._threads), "-c", str(_CONNECTIONS), "-d", f"{seconds}s"),
            f"http://127.0.0.1:{_PORT}/",
        )
        done = re.search(r"(\d+) requests in ", said)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        if not done or not rate or re.search(r"Socket errors|Non-2xx", said):
            raise RuntimeError(f"wrk: {said}")
        return Answered(int(done[1]), int(done[1]) / float(rate[1]), cpu_ns)


class Redis:
    """Debian's Redis without persistence; redis-benchmark waits for each response before its next request."""

    protocol = "redis"
    what = f"Redis and redis-benchmark, {_CONNECTIONS} connections, GET, unpipelined"

    def __init__(self, folder):
        pid_file = os.path.join(folder, "redis.pid")
        # One program by several names, of which the package of the clients has this.
        self.server = _Server(
            folder,
            "redis-server",
            "/usr/bin/redis-check-rdb",
            *("--port", str(_PORT), "--bind", "127.0.0.1", "--dir", folder, "--pidfile", pid_file),
            *("--save", "", "--appendonly", "no"),
            ready=pid_file,
        )
        self._rate = 20_000

    def run(self, seconds):
        """About as long: the number of requests is by the rate of the run before."""
        requests = int(self._rate * seconds)
        said, cpu_ns = self.server.ask(
            *("redis-benchmark", "-p", str(_PORT), "-c", str(_CONNECTIONS)),
            *("-n", str(requests), "-t", "get", "--csv"),
        )
        line = re.search(r'^"GET","([\d.]+)"', said, re.MULTILINE)
        if not line:
            raise RuntimeError(f"redis-benchmark: {said}")
        self._rate = float(line[1])
        return Answered(requests, requests / self._rate, cpu_ns)


LOADS = {"nginx": Nginx, "redis": Redis}
