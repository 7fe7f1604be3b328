"""A test case about requests that the agent captures."""

import os
import re

from leadline_case import LeadlineCase
from machine_pods import with_programs
from minicluster import objects as o


class RequestsCase(LeadlineCase):
    def setUp(self):
        self.web = os.path.join(self.folder, "web")
        probes = {
            dict(labels)["probe"]
            for labels, value in self.agent_metrics("leadline_agent_probe_attached").items()
            if value == 1
        }
        if not {"requests_send", "requests_recv"} <= probes:
            self.skipTest("this kernel has no tracepoints of what sockets send and receive")

    def agent_metrics(self, name):
        found = {}
        for line in self.agent.get("/metrics")[1].splitlines():
            match = re.fullmatch(name + r"\{(.*)\} (\S+)", line)
            if match:
                labels = tuple(re.findall(r'(\w+)="([^"]*)"', match[1]))
                found[labels] = float(match[2])
        return found

    def run_pod(self, name, script, files):
        """A pod of shop of that name, of the machine's programs: its folder, which it has as /web with the
        files, and its object."""
        folder = os.path.join(self.web, name)
        os.makedirs(folder)
        for file, text in files.items():
            with open(os.path.join(folder, file), "w", encoding="ascii") as f:
                f.write(text)
        deployment = o.deployment("shop", name, o.container(name, "/usr/bin/bash", "-c", script))
        with_programs(deployment["spec"]["template"]["spec"], folder)
        self.cluster.apply(deployment)
        return folder, self.cluster.wait_pods(1, "shop", app=name)[0]

    def assert_is_not_told(self, secret, but_in):
        """Nowhere in what the collector answers, nor in what the programs have written, but in the folder of
        those who have it."""
        for metric in self.collector.api("label/__name__/values"):
            for series in self.collector.api("series", **{"match[]": metric}):
                self.assertNotIn(secret, str(series))
        for folder, _, files in os.walk(self.folder):
            if folder.startswith(but_in):
                continue
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    self.assertNotIn(secret.encode(), f.read(), os.path.join(folder, name))
