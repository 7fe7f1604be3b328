"""An agent keeps to its share of the CPUs under a load that would take more, and says so."""

import os
import time
import unittest

from leadline_case import LeadlineCase
from machine_pods import NGINX, with_programs
from minicluster import objects as o, wait_for

_INTERVAL = "5s"
# Asks over many connections in turn, a few dozen requests at a time: much for the agent, and little enough for the
# machine that others go on.
_LOAD = """
import itertools, socket, sys, time
AT_ONCE = 32
connections = [socket.create_connection((sys.argv[1], 8080)) for _ in range(64)]
for connection in itertools.cycle(connections):
    connection.sendall(b"GET /a HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" * AT_ONCE)
    answers = b""
    while answers.count(b"so it is") < AT_ONCE:
        answers += connection.recv(65536)
    time.sleep(0.001)
"""
_CLIENTS = 2
_CONFIG = NGINX + """
  access_log off;
  keepalive_requests 100000000;
  server {
    listen 8080;
    location / { return 200 "so it is\\n"; }
  }
}
"""


class Governor(LeadlineCase):
    with_agent = False

    def new_run(self, limit):
        """The agent, which may take so many CPUs; 0 for as many as it likes."""
        self.agent.stop()
        self.agent = self.new_agent()
        self.agent.change_arg("--interval", _INTERVAL)
        self.agent.change_arg("--max-cpu", f"{limit:.4f}")
        self.addCleanup(self.agent.stop)
        self.agent.up()

    def used(self):
        return self.agent.metric("leadline_agent_cpu_cores")

    def step(self):
        return self.agent.metric("leadline_agent_shedding_step")

    def mean(self, measurements=6):
        """What the agent takes, of so many of its own measurements: they are of 2 s each, and it reads once in 5 s."""
        seen = [self.used()]

        def another():
            if self.used() != seen[-1]:
                seen.append(self.used())
            return len(seen) > measurements

        wait_for(another, lambda: f"measured {seen}", 60, 0.1)
        return sum(seen[1:]) / measurements

    def start_server(self):
        web = self.web = os.path.join(self.folder, "web")
        os.makedirs(web)
        for name, text in {"nginx.conf": _CONFIG, "load.py": _LOAD}.items():
            with open(os.path.join(web, name), "w", encoding="ascii") as f:
                f.write(text)
        server = o.deployment(
            "busy",
            "web",
            o.container("nginx", "/opt/nginx", "-c", "/web/nginx.conf", "-e", "/web/error.log"),
        )
        with_programs(server["spec"]["template"]["spec"], web)
        self.cluster.apply(server)
        pod = self.cluster.wait_pods(1, "busy", app="web")[0]
        wait_for(lambda: os.path.exists(os.path.join(web, "nginx.pid")), "nginx has started")
        self.ip = pod["status"]["podIP"]

    def start_load(self, name):
        ask = f"/usr/bin/python3 /web/load.py {self.ip} & "
        self.start_client(name, ask * _CLIENTS + "wait")

    def end_load(self, name):
        self.cluster.delete("Pod", "busy", name, gracePeriodSeconds=0)
        self.cluster.wait_gone("Pod", "busy", name)

    def start_client(self, name, command):
        client = o.pod("busy", name, o.container("curl", "/bin/sh", "-c", command))
        with_programs(client["spec"], self.web)
        self.cluster.apply(client)

    def given_up(self, what):
        return self.agent.metric("leadline_agent_given_up_ratio", what=what)

    def test_the_agent_keeps_to_its_share_under_a_load_that_would_take_more(self):
        self.start_server()
        self.new_run(0)
        idle = self.mean()
        self.start_load("unlimited")
        wait_for(lambda: self.used() > 2 * idle, lambda: f"{self.used()} of {idle}", 30, 0.3)
        busy = self.mean()
        self.assertEqual(self.step(), 0, "there is no limit")
        self.end_load("unlimited")
        # More than twice of what it takes at rest, so that all comes back.
        limit = max(busy / 2, 2.5 * idle)
        print(f"at rest {idle:.4f} CPUs, under load {busy:.4f}; limit {limit:.4f}", flush=True)
        if limit > 0.8 * busy:
            self.skipTest("the load takes too little")

        self.new_run(limit)
        self.start_load("limited")
        wait_for(lambda: self.step() > 0, lambda: f"{self.used()} of {limit}: step {self.step()}", 30, 0.3)
        wait_for(lambda: self.mean(4) <= limit, lambda: f"{self.used()} of {limit}", 90, 0.1)
        print(f"held: {self.mean(4):.4f} CPUs at step {self.step():.0f}", flush=True)
        self.assertGreater(self.given_up("requests"), 0)
        self.assertIn("(--max-cpu)", self.agent.log())
        self.assertGreater(self.agent.metric("leadline_agent_shedding_seconds_total"), 0)
        since = self.agent.metric("leadline_agent_shedding_step_timestamp_seconds")
        self.assertLess(abs(time.time() - since), 300)

        self.end_load("limited")
        wait_for(
            lambda: self.step() == 0, lambda: f"{self.used()} of {limit}: step {self.step()}", 180, 0.5
        )
        for what in ("requests", "syscall_latency", "udp"):
            self.assertEqual(self.given_up(what), 0)
        asked = 20
        self.start_client(
            "later",
            f"/usr/bin/curl -s -o /dev/null 'http://{self.ip}:8080/[1-{asked}]'; exec sleep infinity",
        )
        client = f'namespace="busy",pod="later",cluster="{self.cluster.name}"'
        self.wait_value(
            f"sum(histogram_count(http_client_request_duration_seconds{{{client}}}))", asked
        )

    def test_system_calls_count_when_all_else_is_given_up(self):
        """An agent that may take nothing at all."""
        self.new_run(0.0001)
        parts = ("requests", "syscall_latency", "udp")
        wait_for(
            lambda: all(self.given_up(what) == 1 for what in parts),
            lambda: f"step {self.step()}; its log:\n{self.agent.log()}",
            60,
            0.3,
        )
        self.cluster.apply(o.deployment("counts", "app", o.calls("getpriority", count=1234)))
        pod = self.cluster.wait_pods(1, "counts")[0]
        self.cluster.wait_result(pod, "getpriority")
        self.wait_value(f"sum({self.selector('getpriority', namespace='counts')})", 1234)
        self.assertEqual(
            self.collector.histograms(
                self.selector("getpriority", "container_syscall_duration_seconds", namespace="counts")
            ),
            {},
        )


if __name__ == "__main__":
    unittest.main()
