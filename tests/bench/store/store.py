#!/usr/bin/python3
"""The store beside those that it would replace: one workload, one machine, one run.

A generated Kubernetes cluster (workload.h) is fed to our collector, by the agents' protocol and by remote
write, to prometheus and to victoria-metrics, one after the other; then all are asked the same, in turns. All hold the
same samples, but for a second run of ours by agents with native histograms in place of the classic series.
CPU seconds are of the server's process alone.

    store.py [--series N] [--hours H] [--only ours,prometheus,victoria] [--skip-queries] [--json FILE]
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))
sys.path.insert(0, os.path.join(_ROOT, "tests", "e2e"))

import feeding  # noqa: E402
import queries  # noqa: E402
import servers  # noqa: E402
from minicluster import wait_for  # noqa: E402
from report import Report, at_most  # noqa: E402

_SERIES_A_NODE = 3600
_INTERVAL_S = 10
_AGENTS, _REMOTE, _NATIVE, _PROMETHEUS, _VICTORIA = (
    "ours, agents",
    "ours, remote write",
    f"ours, {servers.NATIVE}",
    "prometheus",
    "victoria-metrics",
)
_OURS = (_AGENTS, _REMOTE, _NATIVE)
_MILLION = 1e6
# 10,000 series of CPU time, and 10,000 of histograms in classic form: nodes, and the feeder's options.
_DAY = ((167, "--plain=1", "--no-histograms"), (12, "--plain=0", "--seed=2"))
_DAY_TURN = 180  # scrapes
_SCRAPES_A_REQUEST = 30  # of a day and a month
# 1,020 series of CPU time at a time: nodes, and the feeder's options.
_MONTH = (17, "--plain=1", "--no-histograms")
_ROLLED_UP_TIMEOUT_S = 1800


def _say(text):
    print(f"[{time.strftime('%H:%M:%S')}, load {os.getloadavg()[0]:.1f}] {text}", flush=True)


def _machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.partition(":")[2].strip() for line in f if line.startswith("model name")]
    return f"{os.cpu_count()} x {models[0] if models else platform.machine()}, Linux {platform.release()}"


def _commit():
    git = ["git", "-c", f"safe.directory={_ROOT}", "-C", _ROOT, "rev-parse", "--short=10", "HEAD"]
    result = subprocess.run(git, capture_output=True, text=True, check=False)
    return result.stdout.strip() or "unknown"


class Bench:
    def __init__(self, args, folder):
        self._args = args
        self._folder = folder
        self._nodes = max(1, round(args.series / _SERIES_A_NODE))
        self._scrapes = max(2, round(args.hours * 3600 / _INTERVAL_S))
        # Ends a minute ago, and so does not depend on how long the others take.
        now_s = int(time.time())
        self._start_s = now_s - 60 - self._scrapes * _INTERVAL_S
        self._end_s = self._start_s + self._scrapes * _INTERVAL_S
        self._stores = {}
        self._peaks = {}

    def _make(self, folder):
        """The stores that were asked for, not started."""
        os.makedirs(folder)
        made = []
        if "ours" in self._args.only:
            protocols = ("agents", "remote write", servers.NATIVE)
            made += [servers.Leadline(folder, protocol) for protocol in protocols]
        if "victoria" in self._args.only:
            made.append(servers.Victoria(folder))
        if "prometheus" in self._args.only:
            made.append(servers.Prometheus(folder))
        return made

    def _start(self, store):
        store.start()
        if store.name == _REMOTE and not store.takes_remote_write():
            _say(f"{store.name}: it has no /api/v1/write, so it is left out")
            store.stop()
            return False
        return True

    # --- Ingest ---

    def ingest(self):
        """{store: figures}."""
        figures = {}
        for store in self._make(os.path.join(self._folder, "main")):
            if not self._start(store):
                continue
            self._stores[store.name] = store
            figures[store.name] = self._feed(store)
        return figures

    def _feed(self, store):
        _say(f"{store.name}: {self._nodes * _SERIES_A_NODE} series, {self._scrapes} scrapes")
        feeder = feeding.Feeder(
            store,
            self._nodes,
            self._start_s * 1000,
            [("first", 1), ("rest", self._scrapes - 1)],
        )
        first, rest = feeder.phase(), feeder.phase()
        unsettled = store.disk()
        feeder.end()
        cpu = store.cpu_s()
        if isinstance(store, servers.Victoria):
            store.flush()
        if store.name in _OURS:
            store.settle()
        settling_s = store.cpu_s() - cpu
        if store.name not in _OURS:
            store.settle()
        peak = max(first["peak_bytes"], rest["peak_bytes"], store.take_peak())
        samples = first["samples"] + rest["samples"]
        self._peaks[store.name] = peak
        figures = {
            "first": first,
            "rest": rest,
            "samples": samples,
            "cpu_s": first["cpu_s"] + rest["cpu_s"],
            "settling_s": settling_s,
            "ingest_peak": peak,
            "disk": store.disk(),
            "unsettled": unsettled,
        }
        _say(
            f"{store.name}: {figures['cpu_s'] + settling_s:.1f} CPU s for {samples / _MILLION:.1f} M "
            f"samples, {figures['disk']['all'] / samples:.3f} bytes a sample, {peak >> 20} MiB"
        )
        return figures

    # --- Queries ---

    def questions(self):
        hour_s = max(self._start_s, self._end_s - 3600)
        pod = self._a_pod()
        return [
            *queries.grouped(hour_s, self._end_s, 0, "instant"),
            *queries.grouped(hour_s, self._end_s, 15, "1 h at 15 s"),
            *queries.narrow(hour_s, self._end_s, *pod),
        ]

    def day(self):
        """The grouped questions over a day of 10,000 series, on stores of their own: (store: figures,
        results). Their samples come many scrapes a request, so what ingest takes does not count."""
        self.stop()
        self._stores, self._peaks = {}, {}
        scrapes = round(self._args.day_hours * 3600 / _INTERVAL_S)
        start_s = self._end_s - scrapes * _INTERVAL_S
        figures = {}
        for store in self._make(os.path.join(self._folder, "day")):
            if not self._start(store):
                continue
            self._stores[store.name] = store
            _say(f"{store.name}: {self._args.day_hours:g} h of {len(_DAY)} x 10,000 series")
            sent = self._feed_day(store, start_s, scrapes)
            store.settle()
            samples = sum(phase["samples"] for phase in sent)
            figures[store.name] = {
                "samples": samples,
                "bytes": store.disk()["all"] / samples,
                "peak": max(phase["peak_bytes"] for phase in sent),
            }
            self._peaks[store.name] = figures[store.name]["peak"]
        questions = queries.grouped(
            start_s + 300, self._end_s, 60, f"{self._args.day_hours:g} h at 1 min"
        )
        return figures, self.ask(questions)

    def _feed_day(self, store, start_s, scrapes):
        """All phases. The feeders take turns of half an hour: prometheus takes nothing that is hours older than
        what it has."""
        turns = [min(_DAY_TURN, scrapes - begin) for begin in range(0, scrapes, _DAY_TURN)]
        phases = [(f"turn{i}", scrapes) for i, scrapes in enumerate(turns)]
        feeders = [
            feeding.Feeder(
                store, nodes, start_s * 1000, phases, (*rest, f"--scrapes-a-request={_SCRAPES_A_REQUEST}")
            )
            for nodes, *rest in _DAY
        ]
        sent = [feeder.phase() for _ in turns for feeder in feeders]
        for feeder in feeders:
            feeder.end()
        return sent

    def month(self):
        """Thirty days of 1,000 series by namespace, from rollups and from samples: (figures, results). Ours alone,
        as the others have no rollups."""
        self.stop()
        folder = os.path.join(self._folder, "month")
        os.makedirs(folder)
        scrapes = round(self._args.month_days * 86400 / _INTERVAL_S)
        start_s = self._end_s - scrapes * _INTERVAL_S
        # Rollups of what is still being written would be made again, once that has been quiet for some time.
        store = servers.Leadline(folder, "agents", ("--retention-hours", "0"))
        store.start()
        _say(f"{store.name}: {self._args.month_days:g} days of 1,020 series")
        sent = self._feed_month(store, start_s, scrapes)
        store.settle()
        cpu_s = store.cpu_s()
        store.stop()
        store = servers.Leadline(folder, "agents")
        store.start()
        self._stores = {store.name: store}
        _say(f"{store.name}: rolls up")
        parts = int(self._args.month_days * 6) - 1
        wait_for(lambda: store.is_rolled_up(parts), "rollups are made", _ROLLED_UP_TIMEOUT_S, poll_s=1)
        figures = {"samples": sent["samples"], "cpu_s": cpu_s, "rolling_s": store.cpu_s()}
        self._peaks[store.name] = sent["peak_bytes"]
        return figures, self.ask(queries.month(start_s, self._end_s, f"{self._args.month_days:g} days by hour"))

    def _feed_month(self, store, start_s, scrapes):
        nodes, *rest = _MONTH
        feeder = feeding.Feeder(
            store,
            nodes,
            start_s * 1000,
            [("month", scrapes)],
            (*rest, f"--scrapes-a-request={_SCRAPES_A_REQUEST}"),
        )
        sent = feeder.phase()
        feeder.end()
        return sent

    def _a_pod(self):
        """(pod, namespace) of a pod that is there at the end."""
        store = next(iter(self._stores.values()))
        body = store.must(
            "GET",
            "/api/v1/query",
            [("query", "container_processes"), ("time", self._end_s)],
        )
        labels = min(
            (e["metric"] for e in servers.reading(body)["result"]), key=lambda m: sorted(m.items())
        )
        return labels["pod"], labels["namespace"]

    def ask(self, questions):
        """[(question, {store: {"warm": (s, cpu s), "cold": (s, cpu s)}}, {store: difference})]"""
        times = {(q.name, name): {"warm": [], "cold": []} for q in questions for name in self._stores}
        answers = {}

        def once(question, store, kind):
            status, body, seconds, cpu = store.ask("GET", question.path, question.asked(store.dialect))
            if status != 200:
                _say(f"{store.name}: {question.name} is answered {status}: {body[:200]}")
                return
            times[question.name, store.name][kind].append((seconds, cpu))
            answers[question.name, store.name] = body

        for store in self._stores.values():
            store.take_peak()
        stores = list(self._stores.values())
        for turn in range(self._args.turns):
            _say(f"queries, turn {turn + 1} of {self._args.turns}")
            for question in questions:
                for store in stores:
                    once(question, store, "warm")
            # Who comes behind another finds its garbage collector at work, and none of its own in the caches.
            stores = [*stores[1:], stores[0]]
        for store in self._stores.values():
            self._peaks[store.name] = max(self._peaks[store.name], store.take_peak())
        for turn in range(self._args.cold_turns):
            _say(f"queries after a cold start, turn {turn + 1} of {self._args.cold_turns}")
            for store in self._stores.values():
                store.restart_cold()
                for question in questions:
                    if question.also_cold:
                        once(question, store, "cold")
        results = []
        for question in questions:
            taken, differences = {}, {}
            for name in self._stores:
                taken[name] = {
                    kind: tuple(statistics.median(column) for column in zip(*values))
                    for kind, values in times[question.name, name].items()
                    if values
                }
                differences[name] = self._difference(question, name, answers)
            results.append((question, taken, differences))
        return results

    def _difference(self, question, name, answers):
        """From the reference, which is prometheus or else the first store; None where nothing compares."""
        reference = _PROMETHEUS if _PROMETHEUS in self._stores else next(iter(self._stores))
        own, other = answers.get((question.name, name)), answers.get((question.name, reference))
        dialects = (self._stores[name].dialect, self._stores[reference].dialect)
        comparable = all(question.comparable(dialect) for dialect in dialects)
        if name == reference or own is None or other is None or not comparable:
            return None
        return queries.difference(servers.reading(own), servers.reading(other))

    def peaks(self):
        return self._peaks

    def stop(self):
        for store in self._stores.values():
            store.stop()

    # --- New series ---

    def replace(self):
        """All pods are replaced at once, on stores that are empty but for a minute of samples."""
        figures = {}
        for store in self._make(os.path.join(self._folder, "replaced")):
            if not self._start(store):
                continue
            try:
                figures[store.name] = self._replace(store)
            finally:
                store.stop()
                store.remove()
        return figures

    def _replace(self, store):
        _say(f"{store.name}: {self._nodes * _SERIES_A_NODE} series are replaced at once")
        phases = [("first", 1), ("before", 6), ("replaced", 1, "replace"), ("after", 6)]
        feeder = feeding.Feeder(store, self._nodes, self._start_s * 1000, phases)
        feeder.phase()
        before = feeder.phase()
        store.settle()
        disk = store.disk()
        replaced, after = feeder.phase(), feeder.phase()
        feeder.end()
        store.settle()
        grown = store.disk()
        usual_s = (before["cpu_s"] + after["cpu_s"]) / (before["samples"] + after["samples"])
        new = replaced["new_series"]
        return {
            "cpu_s_a_series": (replaced["cpu_s"] - usual_s * replaced["samples"]) / new,
            "bytes_a_series": (grown["all"] - disk["all"]) / new,
            "samples_a_series": (replaced["samples"] + after["samples"]) / new,
            "ack_ms": replaced["ack_ms"],
        }


def _report(args, report, bench):
    report.facts.update(
        {
            "command": " ".join(["./dev bench store", *sys.argv[2:]]),
            "machine": _machine(),
            "date": time.strftime("%Y-%m-%d %H:%M"),
            "commit": _commit(),
            "series": args.series,
            "hours": args.hours,
        }
    )
    bits = feeding.entropy(max(1, round(args.series / _SERIES_A_NODE)), int(time.time()) * 1000)
    report.facts["entropy"] = bits
    ingest = bench.ingest()
    _ingest_rows(report, ingest, bits)
    results = [] if args.skip_queries else bench.ask(bench.questions())
    _memory_rows(report, bench.peaks(), args)
    _query_rows(report, results)
    bench.stop()
    if args.day:
        figures, results = bench.day()
        _day_rows(report, figures, results)
        bench.stop()
    if args.month:
        _month_rows(report, *bench.month())
        bench.stop()
    if not args.skip_replace:
        _replace_rows(report, bench.replace())
    report.facts["load"] = os.getloadavg()


def _ingest_rows(report, ingest, bits):
    def each(value):
        return {name: value(f) for name, f in ingest.items()}

    report.add("samples sent, millions", each(lambda f: f["samples"] / _MILLION))
    report.add(
        "of those native histograms, millions",
        each(lambda f: (f["first"]["histograms"] + f["rest"]["histograms"]) / _MILLION),
    )
    figure = "CPU s a million samples, flushed"
    cpu = report.known(
        figure, each(lambda f: (f["cpu_s"] + f["settling_s"]) / f["samples"] * _MILLION)
    )
    victoria = cpu.get(_VICTORIA)
    report.add(
        figure,
        cpu,
        goals={
            _AGENTS: at_most(1 / 3, cpu.get(_AGENTS), victoria, "victoria"),
            _NATIVE: at_most(1 / 3, cpu.get(_NATIVE), victoria, "victoria"),
            _REMOTE: at_most(0.75, cpu.get(_REMOTE), victoria, "victoria"),
        },
    )
    report.add(
        "  without the flush", each(lambda f: f["cpu_s"] / f["samples"] * _MILLION)
    )
    report.add(
        "  a million values of the same cluster by remote write",
        {
            name: (f["cpu_s"] + f["settling_s"]) / _classic_samples(f) * _MILLION
            for name, f in ingest.items()
        },
    )
    figure = "bytes on disk a sample, settled"
    disk = report.known(figure, each(lambda f: f["disk"]["all"] / f["samples"]))
    victoria = disk.get(_VICTORIA)
    report.add(
        figure,
        disk,
        goals={
            _REMOTE: at_most(0.9, disk.get(_REMOTE), victoria, "victoria"),
            _AGENTS: at_most(1, disk.get(_AGENTS), disk.get(_REMOTE), "ours by remote write"),
        },
    )
    report.add(
        "  entropy of what was sent, a simple model",
        {name: bits["native_bits" if name == _NATIVE else "classic_bits"] / 8 for name in ingest},
    )
    report.add(
        "  before settling, with logs", each(lambda f: sum_all(f["unsettled"]) / f["samples"])
    )
    report.add("  MiB of the whole hour(s)", each(lambda f: f["disk"]["all"]), "MiB")
    report.add("bytes sent a sample", each(
        lambda f: (f["first"]["sent_bytes"] + f["rest"]["sent_bytes"]) / f["samples"]))  # fmt: skip
    report.add("acknowledgement p50", each(lambda f: f["rest"]["ack_ms"]["p50"] / 1000), "ms")
    report.add("acknowledgement p99", each(lambda f: f["rest"]["ack_ms"]["p99"] / 1000), "ms")
    report.add("peak anonymous memory, ingest", each(lambda f: f["ingest_peak"]), "MiB")


def sum_all(disk):
    return disk.get("with its log", disk["all"])


def _classic_samples(figures):
    """A native histogram stands for the series of its classic form."""
    histograms = figures["first"]["histograms"] + figures["rest"]["histograms"]
    return figures["samples"] + histograms * 13


def _memory_rows(report, peaks, args):
    what = "ingest" if args.skip_queries else "ingest and queries"
    figure = f"peak anonymous memory, {what}"
    peaks = report.known(figure, peaks)
    victoria = peaks.get(_VICTORIA)
    goals = {
        name: (
            f"<= 0.5 x victoria = {victoria / 2 / (1 << 20):.0f}" if victoria else "<= 0.5 x victoria",
            peaks[name] <= victoria / 2 if victoria else None,
        )
        for name in _OURS
        if name in peaks
    }
    report.add(figure, peaks, "MiB", goals)


def _day_rows(report, figures, results):
    report.add("the day: samples, millions", {n: f["samples"] / _MILLION for n, f in figures.items()})
    report.add("  bytes on disk a sample, settled", {n: f["bytes"] for n, f in figures.items()})
    report.add("  peak anonymous memory", {n: f["peak"] for n, f in figures.items()}, "MiB")
    _query_rows(report, results)


def _month_rows(report, figures, results):
    report.add("the month: samples, millions", {_AGENTS: figures["samples"] / _MILLION})
    for figure, seconds in (("flushed", figures["cpu_s"]), ("rolled up by the hour", figures["rolling_s"])):
        report.add(f"  CPU s a million samples, {figure}", {_AGENTS: seconds / figures["samples"] * _MILLION})
    for question, taken, _ in results:
        seconds, cpu_s = taken[_AGENTS]["warm"]
        goals = {_AGENTS: ("<= 1000", seconds <= 1)} if question.under_a_second else {}
        report.add(question.name, {_AGENTS: seconds}, "ms", goals)
        report.add(question.name + ", CPU", {_AGENTS: cpu_s}, "ms")


def _query_rows(report, results):
    for question, taken, differences in results:
        for kind, index, unit in (("warm", 0, ""), ("cold", 0, "cold"), ("warm", 1, "CPU")):
            values = {name: t[kind][index] for name, t in taken.items() if kind in t}
            if not values:
                continue
            figure = question.name + (f", {unit}" if unit else "")
            values = report.known(figure, values)
            goals = {} if unit == "CPU" else _faster(question, values)
            report.add(figure, values, "ms", goals)
        said = {}
        for name, found in differences.items():
            if found is None:
                continue
            missing, median, most = found
            said[name] = "equal" if not missing and most < 1e-9 else f"{missing} missing, {median:.1e}, {most:.1e}"
        report.add("  differs from the reference (median, most)", said)


def _faster(question, values):
    goals = {}
    for name in _OURS:
        if name not in values:
            continue
        limits = [
            values[peer] / times
            for peer, times in zip((_PROMETHEUS, _VICTORIA), question.faster)
            if peer in values
        ]
        if limits:
            limit = min(limits)
            goals[name] = (f"<= {limit * 1000:.1f}", values[name] <= limit)
    return goals


def _replace_rows(report, replaced):
    def each(key):
        return {name: f[key] for name, f in replaced.items()}

    cpu, disk = each("cpu_s_a_series"), each("bytes_a_series")
    report.add("CPU a new series", cpu, "us", {
        name: ("<= 10", cpu[name] <= 10e-6) for name in _OURS if name in cpu})  # fmt: skip
    report.add("bytes on disk a new series with 7 samples", disk, "", {
        name: ("<= 150 of index", disk[name] <= 150 or None) for name in _OURS if name in disk})  # fmt: skip
    p99 = {name: f["ack_ms"]["p99"] / 1000 for name, f in replaced.items()}
    report.add("acknowledgement p99 while all are replaced", p99, "ms", {
        name: ("<= 1000", p99[name] <= 1) for name in _OURS if name in p99})  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bin_dir", help="where the programs were built")
    parser.add_argument("--series", type=int, default=100_800, help="active ones, by remote write")
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--only", default="ours,prometheus,victoria", help="stores, separated by commas")
    parser.add_argument("--skip-queries", action="store_true")
    parser.add_argument("--skip-replace", action="store_true", help="do not measure new series")
    parser.add_argument("--day", action="store_true", help="query a day of 10,000 series too: slow")
    parser.add_argument("--day-hours", type=float, default=24)
    parser.add_argument("--month", action="store_true", help="query a month of 1,000 series from rollups too")
    parser.add_argument("--month-days", type=float, default=30)
    parser.add_argument("--turns", type=int, default=5, help="repetitions of each query")
    parser.add_argument("--cold-turns", type=int, default=1, help="repetitions after a cold start")
    parser.add_argument("--folder", help="for the data, which are removed at the end")
    parser.add_argument("--peers", help="a file of --json: the others' figures are taken from it")
    parser.add_argument("--json", help="the figures as a file too")
    args = parser.parse_args()
    args.only = set(args.only.split(","))
    if args.only - {"ours", "prometheus", "victoria"}:
        parser.error("--only takes ours, prometheus and victoria")
    os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    folder = tempfile.mkdtemp(prefix="leadline-bench-", dir=args.folder)
    report = Report([*_OURS, _PROMETHEUS, _VICTORIA])
    if args.peers:
        report.take_over(args.peers, (_PROMETHEUS, _VICTORIA))
    try:
        _report(args, report, Bench(args, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        print("\n".join(f"{key}: {value}" for key, value in report.facts.items()))
        print(report.text())
        if args.json:
            report.save(args.json)
    for figure, store in report.missed():
        print(f"NOT REACHED: {figure} ({store})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
