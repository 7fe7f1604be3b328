#!/usr/bin/python3
"""What the agent takes of a node where nothing happens: CPU time and memory, as a table with the goals.

    rest.py [BIN_DIR] [SECONDS]    BIN_DIR: where the programs were built, as build/release/bin
"""

import argparse
import os
import sys
import time

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(_HERE), "e2e"))

import show  # noqa: E402
from minicluster import objects as o, wait_for  # noqa: E402
from watched import watched  # noqa: E402

_PODS = 30
_CONTAINERS = 2 * _PODS
_INTERVAL_S = 10
_START_TIMEOUT_S = 120
_CPU_GOAL_PERCENT = 1.0
_MEMORY_GOAL_BYTES = 128 << 20
_MIB = 1 << 20


def _cpu_s(pid):
    """User and system time of all threads."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _samples(agent):
    return agent.metric("leadline_agent_export_samples_total")


def _wait_for_a_reading(agent):
    before = _samples(agent)
    wait_for(lambda: _samples(agent) > before, "a reading", 3 * _INTERVAL_S, 0.5)


def _row(what, measured, goal="", met=None):
    verdict = "" if met is None else "met" if met else "MISSED"
    print(f"  {what:<42} {measured:>12} {goal:>12}  {verdict}".rstrip(), flush=True)


def _measure(agent, intervals):
    _wait_for_a_reading(agent)
    start_samples, start_s = _samples(agent), _cpu_s(agent.process.pid)
    time.sleep(intervals * _INTERVAL_S)  # nobody asks it for anything meanwhile, which costs too
    spent_s = _cpu_s(agent.process.pid) - start_s
    percent = spent_s / (intervals * _INTERVAL_S) * 100
    kinds = {
        kind: agent.metric("leadline_agent_memory_bytes", kind=kind)
        for kind in ("rss", "maps", "rings")
    }
    total = sum(kinds.values())
    print(f"rest: {_CONTAINERS} containers in {_PODS} pods, {intervals} readings {_INTERVAL_S} s apart")
    _row("", "measured", "goal")
    _row(
        "CPU, % of a core",
        f"{percent:.2f}",
        f"< {_CPU_GOAL_PERCENT:g}",
        percent < _CPU_GOAL_PERCENT,
    )
    for kind, size in kinds.items():
        _row(f"memory, {kind}, MiB", f"{size / _MIB:.1f}")
    _row(
        "memory in all, MiB",
        f"{total / _MIB:.1f}",
        f"< {_MEMORY_GOAL_BYTES // _MIB}",
        total < _MEMORY_GOAL_BYTES,
    )
    _row("samples a reading", f"{(_samples(agent) - start_samples) / intervals:.0f}")
    rows = agent.metric("leadline_agent_syscall_rows")
    _row("rows of system calls", f"{rows:.0f}", f"of {agent.metric('leadline_agent_syscall_rows_max'):.0f}")
    _row("lost by the probes", f"{agent.metric('leadline_agent_probe_losses_total'):.0f}")


def run(seconds):
    with watched("rest", f"{_INTERVAL_S}s") as (cluster, collector, agent):
        pauses = [o.container(name, "/bin/pause") for name in ("one", "two")]
        cluster.apply(o.deployment("rest", "idle", *pauses, replicas=_PODS))
        cluster.wait_pods(_PODS, "rest", timeout_s=_START_TIMEOUT_S)
        seen = 'container_last_seen{namespace="rest",container=~"one|two"}'
        wait_for(
            lambda: len(collector.query(seen)) == _CONTAINERS,
            lambda: f"{_CONTAINERS} containers are seen; there are {len(collector.query(seen))}",
            _START_TIMEOUT_S,
            0.5,
        )
        _measure(agent, max(1, seconds // _INTERVAL_S))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_dir", nargs="?", help="where the programs were built")
    parser.add_argument("seconds", nargs="?", type=int, default=60, help="how long to measure")
    args = parser.parse_args()
    if args.bin_dir:
        os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    return show.main("rest", lambda: run(args.seconds))


if __name__ == "__main__":
    sys.exit(main())
