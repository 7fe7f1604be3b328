"""The agent where the machine does not let it do all: it goes on with what is left and says what is off, and why."""

import os
import re
import subprocess
import unittest

from leadline_case import CollectorCase
from minicluster import paths, wait_for
from programs import Agent, forbids_walks

_TIMEOUT_S = 30
_BPF = {"bpf_syscalls", "bpf_lifecycle", "bpf_processes", "bpf_tcp", "bpf_udp", "bpf_requests"}
_NOBODY = "65534"


def _hiding(*commands):
    """Runs a program in a mount namespace in which these were done before."""
    return ["unshare", "--mount", "sh", "-ec", "; ".join(commands) + '; exec "$@"', "sh"]


def _over(path):
    return f"mount -t tmpfs leadline-test {path}"


def _without(*capabilities):
    return ["setpriv", "--bounding-set", ",".join(f"-{c}" for c in capabilities), "--"]


class Degraded(CollectorCase):
    def check(
        self,
        prefix,
        off,
        says,
        left=("node_load1", "process_memory_usage_bytes"),
        maybe=frozenset(),
    ):
        """An agent started within `prefix`: exactly the features `off` are, the log gives one reason
        that has `says` (None: nothing is wrong), and the metrics `left` arrive. `maybe`: features that are
        off on some machines."""
        name = self.id().rsplit(".", 1)[1]
        self.state = os.path.join(self.folder, name, "agent-state")
        os.makedirs(self.state)
        agent = Agent(
            os.path.join(self.folder, name),
            self.collector,
            name,
            "here",
            None,
            "200ms",
            within=[part.replace("STATE", self.state) for part in prefix],
        )
        self.addCleanup(agent.stop)
        agent.up()
        for metric in left:
            wait_for(
                lambda m=metric: self.collector.query(f'count({m}{{cluster="{name}"}} > 0)'),
                lambda m=metric: f"{m}; its log:\n{agent.log()}",
                _TIMEOUT_S,
                0.1,
            )
        agent.check_running()
        enabled = dict(
            re.findall(
                r'(?m)^leadline_agent_feature_enabled\{feature="(\w+)"\} (\d)',
                agent.get("/metrics")[1],
            )
        )
        self.assertGreaterEqual(set(enabled), {*_BPF, "state", "cgroups", "processes"})
        self.assertEqual({feature for feature, on in enabled.items() if on == "0"} - maybe, off)
        lines = [
            line for line in agent.log().splitlines() if re.search(r'msg="(off|in part): ', line)
        ]
        if says is None:
            if forbids_walks():
                lines = [line for line in lines if "tcp_walk" not in line]
            self.assertEqual(lines, [])
        else:
            self.assertEqual(len([line for line in lines if says in line]), 1, lines)
        self.check_dry_run(agent, off, says, maybe)
        self.assertEqual(agent.stop(), 0)
        return agent

    def check_dry_run(self, agent, off, says, maybe):
        """That --dry-run tells the same."""
        done = subprocess.run(
            agent.command("--dry-run"), capture_output=True, text=True, timeout=60, check=False
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        table = next(part for part in done.stdout.split("\n\n") if part.startswith("FEATURE"))
        self.assertEqual(set(re.findall(r"(?m)^(\w+) +off ", table)) - maybe, off, table)
        if says is not None:
            self.assertIn(says, table)
            self.assertIn("mend: ", table)

    def test_nothing_is_off_here(self):
        self.check([], set(), None, ("node_load1", "container_syscalls_total"))

    def test_without_capabilities_for_bpf(self):
        self.check(
            _without("bpf", "perfmon", "sys_admin"),
            _BPF,
            "CAP_BPF is missing, and CAP_PERFMON is missing",
        )

    def test_without_cap_perfmon(self):
        self.check(_without("perfmon", "sys_admin"), _BPF, "CAP_PERFMON is missing")

    def test_cap_sys_admin_is_not_needed(self):
        self.check(_without("sys_admin"), set(), None, ("container_syscalls_total",))

    def test_without_cap_sys_ptrace(self):
        self.check(
            _without("sys_ptrace"),
            set(),
            "CAP_SYS_PTRACE is missing",
            ("container_syscalls_total", "process_memory_usage_bytes"),
        )

    def test_as_nobody(self):
        agent = self.check(
            ["setpriv", "--reuid", _NOBODY, "--regid", _NOBODY, "--clear-groups", "--"],
            {*_BPF, "state", "pod_networks"},
            "CAP_BPF is missing",
            maybe={"runtime_names"},  # where there are runtimes
        )
        self.assertIn("off: state", agent.log())

    def test_without_btf(self):
        self.check(_hiding(_over("/sys/kernel/btf")), _BPF, "/sys/kernel/btf/vmlinux")

    def test_with_a_seccomp_filter(self):
        tool = os.path.join(paths.build_dir(), "e2e", "bin", "without_bpf")
        self.check([tool], _BPF, "a seccomp filter refuses bpf()")

    def test_without_tracefs(self):
        self.check(
            _hiding(_over("/sys/kernel/tracing"), _over("/sys/kernel/debug")),
            set(),
            None,
            ("container_syscalls_total",),
        )

    def test_without_sys(self):
        self.check(
            _hiding(_over("/sys")),
            {*_BPF, "cgroups"},
            "/sys/kernel/btf/vmlinux",
        )

    def test_without_cgroups(self):
        # What the kernel counts belongs to the node.
        self.check(
            _hiding("umount -R -l /sys/fs/cgroup"),
            {"cgroups"},
            "no cgroup2 tree and no v1 hierarchy",
            ("node_load1", "process_memory_usage_bytes", "container_syscalls_total"),
        )

    def test_with_cgroups_hidden(self):
        self.check(_hiding(_over("/sys/fs/cgroup")), {"cgroups"}, "shows a cgroup namespace's part")

    def test_with_a_read_only_state_directory(self):
        self.check(
            _hiding("mount --bind STATE STATE", "mount -o remount,bind,ro STATE"),
            {"state"},
            "Read-only file system",
            ("container_syscalls_total",),
        )

    def test_with_a_full_state_directory(self):
        self.check(
            _hiding(
                "mount -t tmpfs -o size=4k leadline-test STATE",
                "head -c 8k /dev/zero > STATE/filler || true",
            ),
            {"state"},
            "No space left on device",
            ("container_syscalls_total",),
        )

    def test_in_a_pod_without_a_token(self):
        self.check(
            ["env", "KUBERNETES_SERVICE_HOST=192.0.2.1", "KUBERNETES_SERVICE_PORT=443"],
            {"kubernetes"},
            "this pod has no service account token: there is no /var/run/secrets/",
            ("container_syscalls_total",),
        )

    def test_a_taken_port_is_noticed_before_anything_is_done(self):
        state = os.path.join(self.folder, "taken-port", "agent-state")
        taken = f"127.0.0.1:{self.collector.ports['http']}"
        done = subprocess.run(
            [paths.program("leadline-agent"), "--http", taken, "--state", state],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"listen for HTTP on {taken}: Address already in use", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertFalse(os.path.exists(state))

    def test_with_the_fewest_descriptors(self):
        agent = self.check(["sh", "-c", 'ulimit -n 512; exec "$@"', "sh"], set(), None)
        self.assertNotIn("Too many open files", agent.log())

    def test_with_too_few_descriptors(self):
        for descriptors in (8, 48, 511):
            done = subprocess.run(
                ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]
                + [paths.program("leadline-agent"), "--state", f"{self.folder}/few", "--http", ""],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(f"may open only {descriptors} files, and needs 512", done.stderr)

    def test_with_a_damaged_identity(self):
        name = self.id().rsplit(".", 1)[1]
        identity = os.path.join(self.folder, name, "agent-state", "identity")
        damage = ["sh", "-ec", 'echo damaged > STATE/identity; exec "$@"', "sh"]
        # A dry run looks at the directory, not at what is in it.
        self.check_dry_run = lambda *args: None
        self.check(damage, {"state"}, "is not an identity file", ("container_syscalls_total",))
        with open(identity, encoding="ascii") as f:
            self.assertEqual(f.read(), "damaged\n")


if __name__ == "__main__":
    unittest.main()
