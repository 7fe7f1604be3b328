"""Every figure of a container under cAdvisor's names against its cgroup files, read here independently."""

import os
import unittest

from leadline_case import LeadlineCase
from minicluster import cgroups, objects as o, wait_for

KIB = 1024
NONE_FROM = 1 << 62  # v1 writes "no limit" as a number near the largest


def _read(controller, cgroup, file):
    """The text of a cgroup's file in the hierarchy that has the controller, v1 or v2; None without."""
    for hierarchy in [*cgroups.hierarchies(), cgroups.unified()]:
        if controller in os.path.basename(hierarchy).split(",") or hierarchy == cgroups.unified():
            try:
                with open(f"{hierarchy}{cgroup}/{file}", encoding="utf-8") as f:
                    return f.read()
            except FileNotFoundError:
                continue
    return None


def _first(controller, cgroup, *files):
    for file in files:
        text = _read(controller, cgroup, file)
        if text is not None:
            return text
    return None


def _lines(text):
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def number(controller, *files):
    def read(cgroup):
        text = _first(controller, cgroup, *files)
        return None if text is None else int(text)

    return read


def limit(controller, *files):
    def read(cgroup):
        text = _first(controller, cgroup, *files)
        if text is None:
            return None
        value = NONE_FROM if text.strip() == "max" else int(text)
        return 0 if value >= NONE_FROM else value

    return read


def line(controller, files, names, scale=1):
    """The first of `names` that the first of `files` that is there has."""

    def read(cgroup):
        lines = _lines(_first(controller, cgroup, *files))
        return next((lines[name] * scale for name in names if name in lines), None)

    return read


def pressure(resource, kind):
    def read(cgroup):
        try:
            with open(f"{cgroups.unified()}{cgroup}/{resource}.pressure", encoding="utf-8") as f:
                for text in f:
                    if text.startswith(kind + " "):
                        return int(text.rsplit("total=", 1)[1]) / 1e6
        except FileNotFoundError:
            pass
        return None

    return read


def quota(cgroup):
    text = _first("cpu", cgroup, "cpu.cfs_quota_us", "cpu.max")
    word = text.split()[0] if text else "max"
    return None if word in ("max", "-1") else int(word)


def period(cgroup):
    text = _first("cpu", cgroup, "cpu.cfs_period_us", "cpu.max")
    return int(text.split()[-1]) if text else None


def shares(cgroup):
    text = _read("cpu", cgroup, "cpu.shares")
    if text is not None:
        return int(text)
    weight = _read("cpu", cgroup, "cpu.weight")
    return None if weight is None else 2 + (int(weight) - 1) * 262142 // 9999


def when_limited(read):
    return lambda cgroup: read(cgroup) if quota(cgroup) is not None else None


MEMORY_STAT = ["memory.stat"]
PRESSURES = {
    f"container_pressure_{resource}_{word}_seconds_total": pressure(resource, kind)
    for resource in ("cpu", "memory", "io")
    for word, kind in (("waiting", "some"), ("stalled", "full"))
}
V1_STAT_FIRST = {
    "container_memory_rss": ["total_rss", "anon"],
    "container_memory_cache": ["total_cache", "file"],
    "container_memory_mapped_file": ["total_mapped_file", "file_mapped"],
    'container_memory_failures_total{failure_type="pgfault",scope="container"}': ["pgfault"],
    'container_memory_failures_total{failure_type="pgmajfault",scope="container"}': ["pgmajfault"],
    'container_memory_failures_total{failure_type="pgfault",scope="hierarchy"}': [
        "total_pgfault",
        "pgfault",
    ],
    'container_memory_failures_total{failure_type="pgmajfault",scope="hierarchy"}': [
        "total_pgmajfault",
        "pgmajfault",
    ],
}
FIGURES = {
    "container_cpu_cfs_periods_total": when_limited(line("cpu", ["cpu.stat"], ["nr_periods"])),
    "container_cpu_cfs_throttled_periods_total": when_limited(
        line("cpu", ["cpu.stat"], ["nr_throttled"])
    ),
    "container_cpu_cfs_throttled_seconds_total": when_limited(
        lambda cgroup: next(
            (
                value
                for value in (
                    line("cpu", ["cpu.stat"], ["throttled_time"], 1e-9)(cgroup),
                    line("cpu", ["cpu.stat"], ["throttled_usec"], 1e-6)(cgroup),
                )
                if value is not None
            ),
            None,
        )
    ),
    "container_spec_cpu_quota": quota,
    "container_spec_cpu_period": period,
    "container_spec_cpu_shares": shares,
    "container_memory_usage_bytes": number("memory", "memory.usage_in_bytes", "memory.current"),
    "container_memory_max_usage_bytes": number(
        "memory", "memory.max_usage_in_bytes", "memory.peak"
    ),
    "container_memory_failcnt": lambda cgroup: (
        number("memory", "memory.failcnt")(cgroup)
        if _read("memory", cgroup, "memory.failcnt")
        else line("memory", ["memory.events"], ["max"])(cgroup)
    ),
    "container_memory_swap": lambda cgroup: (
        line("memory", MEMORY_STAT, ["total_swap"])(cgroup)
        if _read("memory", cgroup, "memory.failcnt")
        else number("memory", "memory.swap.current")(cgroup)
    ),
    "container_oom_events_total": line(
        "memory", ["memory.oom_control", "memory.events"], ["oom_kill"]
    ),
    "container_spec_memory_limit_bytes": limit("memory", "memory.limit_in_bytes", "memory.max"),
    "container_spec_memory_swap_limit_bytes": limit(
        "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"
    ),
    "container_spec_memory_reservation_limit_bytes": limit(
        "memory", "memory.soft_limit_in_bytes", "memory.min"
    ),
    "container_threads": number("pids", "pids.current"),
    "container_threads_max": limit("pids", "pids.max"),
    **{name: line("memory", MEMORY_STAT, names) for name, names in V1_STAT_FIRST.items()},
    **PRESSURES,
}


class ContainerFigures(LeadlineCase):
    def served(self, metric, **labels):
        """The only value of a container's series; None for no series."""
        name, _, inner = metric.partition("{")
        matchers = [f'{k}="{v}"' for k, v in labels.items()] + ([inner[:-1]] if inner else [])
        values = list(self.collector.query(f"{name}{{{','.join(matchers)}}}").values())
        self.assertLessEqual(len(values), 1, metric)
        return values[0] if values else None

    def wait_agreement(self, cgroup, figures, **labels):
        """Until all are as the files say, at a time at which these do not change."""

        def differences():
            before = {metric: read(cgroup) for metric, read in figures.items()}
            served = {metric: self.served(metric, **labels) for metric in figures}
            found = {}
            for metric, read in figures.items():
                want, got, after = before[metric], served[metric], read(cgroup)
                if want is None or got is None:
                    if (want, got) != (None, None):
                        found[metric] = (want, got)
                elif not want - 1e-6 * abs(want) <= got <= after + 1e-6 * abs(after):
                    found[metric] = (want, got)
            return found

        wait_for(
            lambda: not differences(),
            lambda: f"the files' values are served; (file, served): {differences()}",
            30,
            0.3,
        )

    def test_a_limited_and_a_free_container(self):
        """The limited one is throttled; the free one has no limit and so no series of it."""
        limits = {"cpu": "200m", "memory": "64Mi"}
        burn = ["/bin/burn", "--cpu-ms", "150", "--result", "/results/burn"]
        pod = self.cluster.apply(
            o.pod(
                "figures",
                "one",
                o.container("limited", *burn, limits=limits),
                o.container("free", "/bin/pause"),
            )
        )
        self.cluster.wait_result(pod, "burn")
        for name in ("limited", "free"):
            cgroup = self.cluster.container(pod, name).cgroup
            self.wait_agreement(cgroup, FIGURES, namespace="figures", container=name)
        limited = {"namespace": "figures", "container": "limited"}
        self.assertGreater(self.served("container_cpu_cfs_throttled_periods_total", **limited), 0)
        self.assertEqual(self.served("container_spec_cpu_quota", **limited), 20000)
        self.assertEqual(self.served("container_spec_cpu_shares", **limited), 204)
        free = {"namespace": "figures", "container": "free"}
        for metric in ("container_spec_cpu_quota", "container_cpu_cfs_periods_total"):
            self.assertIsNone(self.served(metric, **free), metric)
        self.assertEqual(self.served("container_spec_memory_limit_bytes", **free), 0)

    def test_an_out_of_memory_kill_is_counted_once(self):
        """The first process of the container lives on, so its figures are there to be read."""
        held = "/bin/hold --mib 64 --result /results/hold; exec /bin/pause"
        pod = self.cluster.apply(
            o.pod(
                "oom",
                "one",
                o.container("app", "/bin/busybox", "sh", "-c", held, limits={"memory": "32Mi"}),
            )
        )
        self.cluster.wait_pods(1, "oom")
        labels = {"namespace": "oom", "container": "app"}
        wait_for(
            lambda: self.served("container_oom_events_total", **labels) == 1,
            lambda: f"one kill; {self.collector.query('container_oom_events_total')}",
            30,
            0.2,
        )
        self.assertGreater(self.served("container_memory_failcnt", **labels), 0)
        self.wait_agreement(self.cluster.container(pod, "app").cgroup, FIGURES, **labels)

    def test_the_names_that_the_mixin_filters_by(self):
        """Rules filter by container and image, which the sandbox of a pod does not have."""
        self.cluster.apply(o.pod("mixin", "one", o.container("app", "/bin/pause")))
        everything = 'container_memory_working_set_bytes{namespace="mixin"}'
        wait_for(lambda: len(self.collector.query(everything)) == 2, "container and sandbox", 30)
        filtered = 'container_memory_working_set_bytes{namespace="mixin",container!="",image!=""}'
        wait_for(
            lambda: [dict(k)["container"] for k in self.collector.query(filtered)] == ["app"],
            "the container alone",
            30,
        )


if __name__ == "__main__":
    unittest.main()
