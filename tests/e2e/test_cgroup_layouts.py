"""Where containers are members of v1 hierarchies only, and agents with a cgroup namespace."""

import os
import subprocess
import unittest

from leadline_case import LeadlineCase
from minicluster import cgroups, objects as o, paths, wait_for

HIDE_V2 = ("unshare", "-m", "sh", "-c", f'umount {cgroups.unified()} && exec "$@"', "sh")


def own_namespace(folder, *before):
    """Runs what follows in a cgroup namespace whose root is `folder`."""
    script = " && ".join((f"echo $$ >{folder}/cgroup.procs", *before, 'exec unshare -C "$@"'))
    return ("sh", "-c", script, "sh")


class Layout(LeadlineCase):
    """What each of the layouts below has to give."""

    counted_by = None

    def check_counts(self):
        want = {}
        for i, style in enumerate(cgroups.STYLES):
            want[("layout", style)] = 100 + i
            self.cluster.apply(
                o.deployment(
                    "layout", style, o.calls("getpriority", count=100 + i), cgroup_style=style
                )
            )
        selector = self.selector("getpriority", namespace="layout")
        self.wait_value(f"sum({selector})", sum(want.values()))
        self.assert_increase("getpriority", want, namespace="layout")

    def check_resources(self):
        """Figures and processes are the container's."""
        self.cluster.apply(o.pod("figures", "web", o.container("app", "/bin/pause")))
        labels = {("figures", "web", "app")}
        for metric in (
            "container_memory_working_set_bytes",
            "container_cpu_usage_seconds_total",
            "container_processes",
            "process_memory_usage_bytes",
        ):
            selector = f'{metric}{{namespace="figures",container="app"}}'
            wait_for(
                lambda: set(
                    self.collector.by(
                        f"max by (namespace, pod, container) ({selector})",
                        *("namespace", "pod", "container"),
                    )
                )
                == labels,
                lambda: f"{metric} of the pod; the log:\n{self.agent.log()}",
                30,
                0.1,
            )

    def check_short_lives(self):
        """Also of what has ended: cgroups come and go by the events of the hierarchy."""
        job = self.cluster.apply(o.cron_job("flash", "nightly"))
        pods = [
            self.cluster.flash(job, o.calls("ioprio_get", count=50, hold=False)) for _ in range(3)
        ]
        self.assertEqual(sum(self.cluster.result(p, "ioprio_get").count for p in pods), 150)
        self.wait_counted("ioprio_get", 150)
        self.assert_increase("ioprio_get", {("flash", "nightly"): 150})
        execs = 'container_process_execs_total{namespace="flash",command="calls"}'
        wait_for(
            lambda: self.counted(execs) == 3,
            "the programs that the pods executed",
            30,
            0.2,
        )

    def check(self):
        self.assertIn(self.counted_by, self.agent.log())
        self.check_counts()
        self.check_resources()
        self.check_short_lives()


class PureV1(Layout):
    cluster_options = {"cgroup_v2": False}
    agent_within = HIDE_V2
    counted_by = "cgroups: v1, counted by v1 memory"

    def test_everything_is_counted_by_the_memory_controllers_cgroups(self):
        self.check()

    def test_a_dry_run_says_so(self):
        text = subprocess.run(
            [*HIDE_V2, paths.program("leadline-agent"), "--dry-run"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertIn(self.counted_by, text)
        self.assertIn("no cgroup2 tree is mounted", text)


class HybridWithARuntimeOfV1(Layout):
    """The v2 tree is there, but the containers are not in it."""

    cluster_options = {"cgroup_v2": False}
    with_agent = False
    counted_by = "cgroups: hybrid, counted by v1 memory"

    def test_what_runs_decides(self):
        self.cluster.apply(o.pod("early", "app", o.container("app", "/bin/pause")))
        self.cluster.wait_pods(1, "early")
        self.agent.up()
        self.assertIn("have no v2 cgroup of their own", self.agent.log())
        self.check()


class HybridWhereV2IsForced(LeadlineCase):
    """Containers that are not where the agent counts are not lost in silence."""

    cluster_options = {"cgroup_v2": False}

    @classmethod
    def new_agent(cls):
        agent = super().new_agent()
        agent._args += ["--cgroups", "v2"]
        return agent

    def test_the_agent_says_what_it_does_not_see(self):
        self.assertIn("cgroups: hybrid, counted by v2", self.agent.log())
        self.cluster.apply(o.pod("unseen", "app", o.container("app", "/bin/pause")))
        self.cluster.wait_pods(1, "unseen")
        wait_for(
            lambda: self.agent.metric("leadline_agent_processes_outside_v2") >= 2,
            "the pod's processes in the metric",
            30,
            0.1,
        )
        self.assertIn("start the agent anew, or with --cgroups v1", self.agent.log())


class OwnNamespace(Layout):
    """An agent in a container whose runtime gave it a cgroup namespace."""

    folder_path = os.path.join(cgroups.unified(), f"leadline-test-agent-{os.getpid()}", "inner")
    agent_within = own_namespace(folder_path)
    counted_by = "in a cgroup namespace of its own, /leadline-test-agent-"

    @classmethod
    def setUpClass(cls):
        os.makedirs(cls.folder_path)
        cls.addClassCleanup(cls.remove_folder)
        super().setUpClass()

    @classmethod
    def remove_folder(cls):
        for folder in (cls.folder_path, os.path.dirname(cls.folder_path)):
            os.rmdir(folder)

    def test_paths_that_are_relative_to_it_are_understood(self):
        self.check()

    def test_mounts_of_a_part_are_of_no_use_and_what_to_do_is_said(self):
        within = own_namespace(self.folder_path)
        only_a_part = f'umount -R {cgroups.ROOT}; mount -t cgroup2 none {cgroups.ROOT} && exec "$@"'
        done = subprocess.run(
            [
                *(*within, "unshare", "-m", "sh", "-c", only_a_part, "sh"),
                paths.program("leadline-agent"),
                "--dry-run",
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^cgroups +off ")
        self.assertIn(f"{cgroups.ROOT} shows a cgroup namespace's part", done.stdout)


if __name__ == "__main__":
    unittest.main()
