"""Processes that begin, end and are killed, as the programs that started them counted."""

import itertools
import os
import signal
import unittest

from leadline_case import LeadlineCase
from minicluster import cgroups, objects as o, wait_for
from programs import brief

_TIMEOUT_S = 60
_WORK = "process_work"  # what workloads/procs.c executes
_LOSSES = (
    "process_row_cgroup_other",
    "process_row_global_other",
    "process_event_uncounted",
    "process_cpu_threads_unread",
    "process_totals_no_row",
    "program_run_skipped",
)


def _procs(times, name="app", oom=0, mib=0, **options):
    args = ["--times", str(times), "--result", "/results/procs"]
    args += ["--oom", str(oom), "--mib", str(mib)] if oom else []
    return o.container(name, "/bin/procs", *args, **options)


class Processes(LeadlineCase):
    def ends(self, pod):
        """{(code, signal): processes}, as the workload counted them, which are as they should be."""
        result = self.cluster.wait_result(pod, "procs", _TIMEOUT_S)
        self.assertEqual(result.second, 0, "processes that ended otherwise than they were told to")
        ends = {}
        for line in self.cluster.result_text(pod, "procs.ends").splitlines():
            what, number, count = line.split()
            key = (number, "") if what == "code" else ("", signal.Signals(int(number)).name[3:])
            ends[key] = int(count)
        self.assertEqual(sum(ends.values()), result.count)
        return ends

    def selector(self, metric, namespace, **labels):
        matchers = {"cluster": self.cluster.name, "namespace": namespace, **labels}
        return metric + "{" + ",".join(f'{k}="{v}"' for k, v in matchers.items()) + "}"

    def wait_sums(self, metric, namespace, by, want):
        """Until the sums of the processes' events by the labels are exactly `want`."""
        expression = (
            f"sum by ({', '.join(by)}) ({self.selector(metric, namespace, command=_WORK)})"
        )
        wait_for(
            lambda: self.collector.by(expression, *by) == want,
            lambda: f"{expression} = {want}; it is {self.collector.by(expression, *by)}",
            _TIMEOUT_S,
            0.2,
        )

    def assert_nothing_lost(self):
        for reason in _LOSSES:
            self.assertEqual(
                self.agent.metric("leadline_agent_probe_losses_total", reason=reason), 0, reason
            )

    def test_ends_by_code_and_signal_on_every_runtime_and_cgroup_style(self):
        """Each runtime and style its own number of processes, two of which run out of memory."""
        pods = {}
        for i, (runtime, style) in enumerate(itertools.product(("runc", "crun"), cgroups.STYLES)):
            name = f"{runtime}-{style}"
            limits = {"memory": "24Mi"}
            self.cluster.apply(
                o.deployment(
                    "ends",
                    name,
                    _procs(10 + i, name="worker", oom=2 + i, mib=64, limits=limits),
                    runtime=runtime,
                    cgroup_style=style,
                )
            )
            pods[name] = i
        execs, exits, kills = {}, {}, {}
        for name, i in pods.items():
            pod = self.cluster.wait_pods(1, "ends", app=name)[0]
            ends = self.ends(pod)
            self.assertEqual(ends["", "KILL"], 10 + i + 2 + i)
            where = ("ends", name, "worker")
            execs[where] = sum(ends.values())
            kills[where] = 2 + i
            exits |= {(*where, *end): count for end, count in ends.items()}
        by = ("namespace", "controller", "container")
        self.wait_sums("container_process_execs_total", "ends", by, execs)
        self.wait_sums("container_process_exits_total", "ends", (*by, "code", "signal"), exits)
        self.wait_sums("container_oom_kills_total", "ends", by, kills)
        oom_events = f"sum by (controller) ({self.selector('container_oom_events_total', 'ends', container='worker')})"
        wait_for(
            lambda: self.collector.by(oom_events, "controller")
            == {(where[1],): count for where, count in kills.items()},
            lambda: f"the cgroups' own count: {self.collector.by(oom_events, 'controller')}",
            _TIMEOUT_S,
            0.2,
        )
        self.assert_nothing_lost()

    def test_a_storm_of_execs_loses_nothing(self):
        self.cluster.apply(
            o.deployment("storm", "left", _procs(400)), o.deployment("storm", "right", _procs(300))
        )
        execs, exits = {}, {}
        for name in ("left", "right"):
            ends = self.ends(self.cluster.wait_pods(1, "storm", app=name)[0])
            execs[(name,)] = sum(ends.values())
            exits |= {(name, *end): count for end, count in ends.items()}
        self.assertEqual(sum(execs.values()), 6 * 700)
        self.wait_sums("container_process_execs_total", "storm", ("controller",), execs)
        self.wait_sums(
            "container_process_exits_total", "storm", ("controller", "code", "signal"), exits
        )
        self.assert_nothing_lost()

    def last_of(self, metric, namespace, **labels):
        """The last samples of the only series, or None: (value, how many samples)."""
        raw = self.collector.raw(self.selector(metric, namespace, **labels))
        self.assertLessEqual(len(raw), 1, brief(raw))
        for samples in raw.values():
            return samples[-1][1], len(samples)
        return None

    def test_a_process_that_ended_between_two_readings_has_all_that_it_did(self):
        """Of calls that nothing else makes: what it did after its last reading counts as well."""
        self.cluster.apply(
            o.deployment(
                "tails",
                "app",
                o.container(
                    "app",
                    "/bin/sh",
                    "-c",
                    "/bin/calls --call mq_getsetattr --rate 500 --for 3300 --result /results/calls; "
                    "/bin/process_work burn 2 1300; exec /bin/pause",
                ),
            )
        )
        pod = self.cluster.wait_pods(1, "tails", app="app")[0]
        made = self.cluster.wait_result(pod, "calls", _TIMEOUT_S).count
        calls = {"process": "calls", "class": "ipc", "container": "app", "controller": "app"}
        for metric in ("process_syscalls_total", "process_syscall_errors_total"):
            wait_for(
                lambda m=metric: (self.last_of(m, "tails", **calls) or (0,))[0] == made,
                lambda m=metric: f"{m} {made}: {self.last_of(m, 'tails', **calls)}",
                _TIMEOUT_S,
                0.2,
            )
        self.assertGreater(self.last_of("process_syscalls_total", "tails", **calls)[1], 2)
        spent = self.last_of("process_syscall_time_seconds_total", "tails", **calls)[0]
        self.assertGreater(spent, 0)
        self.assertLess(spent, 3.3)

        def burnt():
            raw = self.collector.raw(
                self.selector("process_cpu_time_seconds_total", "tails", process=_WORK)
            )
            return sum(samples[-1][1] for samples in raw.values())

        wait_for(lambda: burnt() > 2.6 - 0.01, lambda: f"2.6 s of CPU time: {burnt()}", 30, 0.2)
        self.assertLess(burnt(), 2.6 * 1.1)

    def test_waiting_for_a_cpu_is_seen(self):
        """More threads that want a CPU than there are: each waits while the others run."""
        threads = 2 * os.cpu_count()
        self.cluster.apply(
            o.pod(
                "queue",
                "both",
                o.container(
                    "app", "/bin/sh", "-c", f"/bin/process_work burn {threads} 60000 & exec /bin/pause"
                ),
            )
        )
        self.cluster.wait_pods(1, "queue")
        metric = "process_cpu_schedstat_runqueue_seconds_total"
        wait_for(
            lambda: (self.last_of(metric, "queue", process=_WORK) or (0,))[0] > 0.5,
            lambda: f"half a second on the run queue: {self.last_of(metric, 'queue', process=_WORK)}",
            _TIMEOUT_S,
            0.2,
        )


if __name__ == "__main__":
    unittest.main()
