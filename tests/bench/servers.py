#!/usr/bin/python3
"""What a server loses to the agent: throughput and CPU time of real servers and clients, in turns without and with it.

    servers.py NAME [BIN_DIR [ROUNDS]]    NAME: nginx or redis
                                          BIN_DIR: where the programs were built, as build/release/bin

A round is a turn of each: nothing, two empty programs at every system call, the agent with all that it does, the agent
without requests. Both ends of every connection are on this machine, so the agent sees each request twice. Throughput
says something only where nothing else runs; CPU time a request, of server, client and agent together, does so where
the machine has other work, too.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(_HERE), "e2e"))

import show  # noqa: E402
from loads import LOADS, threads_cpu_ns  # noqa: E402
from minicluster import paths, wait_for  # noqa: E402
from programs import Agent, Collector  # noqa: E402

_ROUNDS = 7
_WARM_S = 1
_TURN_S = 3
_READING_TIMEOUT_S = 30
_POINTS_GOAL = 5.0
_AGENT_GOAL_US = 5.0
_BOTH_ENDS = 2
_BARE, _EMPTY, _ALL, _NO_REQUESTS = range(4)
_NAMES = ("bare", "two empty programs", "the agent", "- without requests")


class _Nothing:
    def cpu_ns(self):
        return 0


class _Watching:
    """A running agent."""

    def __init__(self, agent):
        self.agent = agent

    def cpu_ns(self):
        return threads_cpu_ns(self.agent.process.pid)

    def told(self, protocol):
        """Requests of the protocol so far, as of a reading from now on."""
        samples = self.agent.metric("leadline_agent_export_samples_total")
        wait_for(
            lambda: self.agent.metric("leadline_agent_export_samples_total") > samples,
            "a reading",
            _READING_TIMEOUT_S,
            0.5,
        )
        return self.agent.metric("leadline_agent_requests_total", protocol=protocol)


@contextlib.contextmanager
def _empty_pair():
    holder = subprocess.Popen(
        [paths.program("leadline_bench_empty_pair")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        if holder.stdout.readline() != "attached\n":
            raise RuntimeError("two empty programs cannot be attached")
        yield _Nothing()
        holder.stdin.close()


@contextlib.contextmanager
def _agent(folder, collector, *options):
    agent = Agent(
        os.path.join(folder, "agent"),
        collector,
        "bench",
        os.uname().nodename,
        kubernetes_url=None,
        interval="10s",  # as it is by default
        options=options,
    )
    try:
        yield _Watching(agent.up())
    finally:
        agent.stop()


class _Turn:
    """Figures of one turn; CPU time is nanoseconds a request."""

    def __init__(self, load, watching, seconds=_TURN_S):
        server_ns, agent_ns = load.server.cpu_ns(), watching.cpu_ns()
        answered = load.run(seconds)
        self.requests = answered.requests
        self.rate = answered.requests / answered.seconds
        self.agent_ns = (watching.cpu_ns() - agent_ns) / answered.requests
        spent_ns = load.server.cpu_ns() - server_ns + answered.cpu_ns
        self.all_ns = spent_ns / answered.requests + self.agent_ns


def _round(load, folder, collector):
    attached = {
        _BARE: lambda: contextlib.nullcontext(_Nothing()),
        _EMPTY: _empty_pair,
        _ALL: lambda: _agent(folder, collector),
        _NO_REQUESTS: lambda: _agent(folder, collector, "--requests", "off"),
    }
    turns = []
    for variant in range(len(_NAMES)):
        with attached[variant]() as watching:
            load.run(_WARM_S)
            turns.append(_Turn(load, watching))
    return turns


def _told_percent(load, folder, collector):
    """Of the requests at both ends, how many the agent tells: of the whole machine, so that others may be among them."""
    with _agent(folder, collector) as watching:
        before = watching.told(load.protocol)
        turn = _Turn(load, watching)
        return (watching.told(load.protocol) - before) / (turn.requests * _BOTH_ENDS) * 100


def _median(rounds, figure):
    return statistics.median(figure(turns) for turns in rounds)


def _lost_percent(turns, variant):
    return (1 - turns[variant].rate / turns[_BARE].rate) * 100


def _more_percent(turns, variant):
    return (turns[variant].all_ns / turns[_BARE].all_ns - 1) * 100


def _points(rounds, variant, percent):
    """Beyond two empty programs."""
    return _median(rounds, lambda turns: percent(turns, variant) - percent(turns, _EMPTY))


def _goal(what, most, measured):
    print(
        f"  goal: {what} at most {most:g}; measured {measured:.2f}: {'met' if measured <= most else 'MISSED'}"
    )


def _print(load, rounds, told_percent):
    print(f"{load.what}: medians of {len(rounds)} rounds of {_TURN_S} s")
    print(
        f"  {'':<20} {'requests/s':>11} {'lost %':>7} {'points':>7}"
        f" {'CPU µs':>8} {'more %':>7} {'points':>7} {'agent µs':>9}"
    )
    for variant, name in enumerate(_NAMES):
        line = f"  {name:<20} {_median(rounds, lambda turns: turns[variant].rate):>11.0f}"
        cpu_us = _median(rounds, lambda turns: turns[variant].all_ns) / 1000
        if variant == _BARE:
            print(f"{line} {'':>15} {cpu_us:>8.2f}")
            continue
        line += f" {_median(rounds, lambda turns: _lost_percent(turns, variant)):>7.1f}"
        line += f" {_points(rounds, variant, _lost_percent):>+7.1f} {cpu_us:>8.2f}"
        line += f" {_median(rounds, lambda turns: _more_percent(turns, variant)):>7.1f}"
        line += f" {_points(rounds, variant, _more_percent):>+7.1f}"
        if variant != _EMPTY:
            line += f" {_median(rounds, lambda turns: turns[variant].agent_ns) / 1000:>9.2f}"
        print(line)
    print(f"  requests told, of those at both ends: {told_percent:.2f} %")
    _goal("points of throughput beyond two empty programs", _POINTS_GOAL, _points(rounds, _ALL, _lost_percent))
    agent_us = _median(rounds, lambda turns: turns[_ALL].agent_ns) / 1000 / _BOTH_ENDS
    _goal("µs of the agent's CPU for a request at one end", _AGENT_GOAL_US, agent_us)
    print(flush=True)


def run(name, count):
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(show.folder(f"leadline-{name}-"))
        collector = Collector(os.path.join(folder, "collector"))
        stack.callback(collector.stop)
        collector.up()
        load = LOADS[name](folder)
        stack.callback(load.server.stop)
        load.run(_WARM_S)
        rounds = [_round(load, folder, collector) for _ in range(count)]
        _print(load, rounds, _told_percent(load, folder, collector))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(LOADS))
    parser.add_argument("bin_dir", nargs="?", help="where the programs were built")
    parser.add_argument("rounds", nargs="?", type=int, default=_ROUNDS)
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("there is at least one round")
    if args.bin_dir:
        os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    return show.main(args.name, lambda: run(args.name, args.rounds))


if __name__ == "__main__":
    sys.exit(main())
