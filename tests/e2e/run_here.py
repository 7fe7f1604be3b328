#!/usr/bin/python3
"""What `./dev run` shows: this machine, watched by an agent, through the collector's API.

    run_here.py [BIN_DIR] [--keep | --once]    BIN_DIR: where the programs were built
                                               --keep leaves the programs up until Ctrl-C (the default on a
                                               terminal), --once ends after the tables
"""

import argparse
import os
import sys

import show
from minicluster import paths, wait_for
from programs import Agent, Collector
from questions import ask

_DATA_TIMEOUT_S = 60
_WINDOW_S = 10
_WINDOW = f"{_WINDOW_S}s"
_MIB = 1024 * 1024

_QUESTIONS = [
    (
        "System calls a second by container",
        "Under the names that the runtimes have for them; empty where no container runs, ./dev demo starts some.",
        "topk(10, sum by (namespace, pod, container, image) "
        f'(rate(container_syscalls_total{{container!=""}}[{_WINDOW}])))',
    ),
    (
        "System calls a second outside of containers",
        "By systemd's unit and the path of the control group.",
        f'topk(10, sum by (unit, id) (rate(container_syscalls_total{{container=""}}[{_WINDOW}])))',
    ),
    (
        "The busiest system calls",
        "",
        f"topk(10, sum by (syscall) (rate(container_syscalls_total[{_WINDOW}])))",
    ),
    (
        "CPU of containers, in cores",
        "",
        f"topk(10, sum by (namespace, pod, container, id) (rate(container_cpu_usage_seconds_total[{_WINDOW}])))",
    ),
    (
        "CPU of processes, in cores",
        "",
        f"topk(10, sum by (pid, process) (rate(process_cpu_time_seconds_total[{_WINDOW}])))",
    ),
    (
        "Memory of processes, in MiB",
        "",
        f"topk(10, sum by (pid, process) (process_memory_usage_bytes) / {_MIB})",
    ),
]


def _gathered(collector):
    """Whether the longest of the processes' series spans the window, but for one interval."""
    series = collector.raw("process_memory_usage_bytes", _WINDOW).values()
    return any(samples[-1][0] - samples[0][0] >= _WINDOW_S - 2 for samples in series if samples)


def _say(text):
    print(text, flush=True)


def run(keep):
    with show.folder("leadline-run-") as folder:
        collector = Collector(os.path.join(folder, "collector"))
        agent = None
        try:
            collector.up()
            agent = Agent(
                os.path.join(folder, "agent"),
                collector,
                "here",
                os.uname().nodename,
                kubernetes_url=None,
            )
            agent.up()
            _say(f"A collector and an agent are up. Gathering {_WINDOW} of samples.\n")
            wait_for(
                lambda: _gathered(collector),
                lambda: f"{_WINDOW} of samples; the agent's log:\n{agent.log()}",
                _DATA_TIMEOUT_S,
                0.2,
            )
            for question in _QUESTIONS:
                ask(collector, *question)
            if keep:
                _say(
                    f"The collector answers at {collector.url} until Ctrl-C, as a Prometheus data source for\n"
                    f"Grafana and with\n\n"
                    f"    {paths.program('leadline')} query --collector {collector.url} 'EXPR'"
                )
                show.wait_for_stop()
        finally:
            if agent is not None:
                agent.stop()
            collector.stop()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bin_dir", nargs="?", help="where the programs were built")
    how_long = parser.add_mutually_exclusive_group()
    how_long.add_argument("--keep", action="store_true", help="stay up until Ctrl-C")
    how_long.add_argument("--once", action="store_true", help="end after the tables")
    args = parser.parse_args()
    if args.bin_dir:
        os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    keep = args.keep or not args.once and sys.stdout.isatty()
    return show.main("run", lambda: run(keep))


if __name__ == "__main__":
    sys.exit(main())
