"""Names of real containers without Kubernetes, from the files of podman and containerd."""

import os
import unittest
import uuid

from leadline_case import CollectorCase
from minicluster import wait_for
from programs import Agent, brief
from runtime_hosts import Containerd, Podman

_TIMEOUT_S = 30
_COUNT = 700


def _calls(call, count=_COUNT, hold=True):
    args = ("/bin/calls", "--call", call, "--result", "/tmp/result", "--count", str(count))
    return args + (("--hold",) if hold else ())


class RuntimeCase(CollectorCase):
    def agent(self, *runtime_state, kubernetes_url=None):
        folder = os.path.join(self.folder, self.id().rsplit(".", 1)[1])
        agent = Agent(folder, self.collector, self.id(), "here", kubernetes_url)
        for each in runtime_state:
            agent.add_args("--runtime-state", each)
        self.addCleanup(agent.stop)
        return agent

    def selector(self, call, matcher='container!=""'):
        """Of this test's containers: no runtime that its agent asks has names for those of others."""
        return f'container_syscalls_total{{cluster="{self.id()}",syscall="{call}",{matcher}}}'

    def wait_labels(self, call, want, count):
        """That the calls are one series, with these labels from its first sample on and that count."""
        selector = self.selector(call)

        def labels():
            named = {}
            for key, samples in self.collector.raw(selector).items():
                telling = {k: v for k, v in key if k in ("namespace", "pod", "container", "image")}
                named[tuple(sorted(telling.items()))] = samples[-1][1]
            return named

        wait_for(
            lambda: labels() == {tuple(sorted(want.items())): count},
            lambda: f"{count} calls of {want}; there is {brief(self.collector.raw(selector))}",
            _TIMEOUT_S,
            0.2,
        )


class PodmansContainers(RuntimeCase):
    def setUp(self):
        self.podman = Podman(os.path.join(self.folder, "podman" + uuid.uuid4().hex[:8]))
        self.addCleanup(self.podman.down)

    def test_have_their_names(self):
        self.podman.start("early", *_calls("getpriority"))
        agent = self.agent(f"containers-storage={self.podman.storage}").up()
        self.podman.start("late", *_calls("ioprio_get"))
        # Its calls are all before the agent's start, so it has other figures only.
        wait_for(
            lambda: self.collector.query(
                f'container_memory_usage_bytes{{cluster="{self.id()}",container="early"}}'
            ),
            lambda: f"the container of before the agent; its log:\n{agent.log()}",
            _TIMEOUT_S,
        )
        self.wait_labels("ioprio_get", {"container": "late", "image": self.podman.image}, _COUNT)
        self.assertEqual(
            agent.metric("leadline_agent_runtime_names_total", runtime="containers-storage"), 2
        )

    def test_that_are_over_at_once_have_their_names_too(self):
        self.agent(f"containers-storage={self.podman.storage}").up()
        self.podman.start("brief", *_calls("times", hold=False), remove=True)
        self.wait_labels("times", {"container": "brief", "image": self.podman.image}, _COUNT)


class ContainerdsContainers(RuntimeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.containerd = Containerd(os.path.join(cls.folder, "containerd"))
        cls.addClassCleanup(cls.containerd.down)

    def test_without_kubernetes_have_the_ids_that_a_person_chose(self):
        self.agent(f"containerd={self.containerd.state}").up()
        name = f"my-web-{os.getpid()}"
        self.containerd.start(name, *_calls("getpriority"))
        self.wait_labels("getpriority", {"container": name}, _COUNT)

    def test_of_pods_have_names_while_the_api_server_is_away(self):
        # The address is nobody's: port 1 of this machine.
        agent = self.agent(
            f"containerd={self.containerd.state}", kubernetes_url="http://127.0.0.1:1"
        ).start_only()
        self.containerd.start_pod("shop", "web-1", str(uuid.uuid4()), "web", *_calls("ioprio_get"))
        self.wait_labels(
            "ioprio_get",
            {
                "namespace": "shop",
                "pod": "web-1",
                "container": "web",
                "image": self.containerd.image,
            },
            _COUNT,
        )
        # The sandbox is the pod's, under no name of a container.
        sandbox = f'container_memory_usage_bytes{{cluster="{self.id()}",pod="web-1",container=""}}'
        wait_for(lambda: self.collector.query(sandbox), agent.log, _TIMEOUT_S)
        # Those of the other tests may be up as well.
        self.assertGreaterEqual(
            agent.metric("leadline_agent_runtime_names_total", runtime="containerd"), 2
        )

    def test_whose_file_is_damaged_are_known_by_their_path(self):
        state = os.path.join(self.folder, "damaged")
        agent = self.agent(f"containerd={state}").up()
        name = f"my-db-{os.getpid()}"
        known = os.path.join(state, "io.containerd.runtime.v2.task", "default", name)
        os.makedirs(known)
        with open(os.path.join(known, "config.json"), "w", encoding="ascii") as f:
            f.write('{"annotations": {')
        self.containerd.start(name, *_calls("getpgrp"))
        selector = self.selector("getpgrp", f'container="",id="/default/{name}"')
        wait_for(
            lambda: [s[-1][1] for s in self.collector.raw(selector).values()] == [_COUNT],
            lambda: f"the container by its path; there is {brief(self.collector.raw(selector))}",
            _TIMEOUT_S,
        )
        self.assertEqual(
            agent.metric("leadline_agent_runtime_files_bad_total", reason="malformed"), 1
        )
        self.assertIn(f"{known}/config.json is no JSON", agent.log())


if __name__ == "__main__":
    unittest.main()
