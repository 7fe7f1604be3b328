#!/usr/bin/python3
"""A Kubernetes cluster of one node on this machine, for trying things out.

    minicluster.py up [--fixture] [--foreground]   prints how to reach it
    minicluster.py list                            the clusters that are up
    minicluster.py down [TAG...]                   takes those down, or all
    minicluster.py sweep                           removes what killed clusters left
"""

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys

from minicluster import Cluster, fixture, paths, wait_for
from minicluster.node import sweep

_READY = "ready "


def _info_path(tag):
    return os.path.join(paths.state_root(), tag, "info.json")


def _is_up(tag):
    try:
        with open(os.path.join(paths.state_root(), tag, "lock"), "r+", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _clusters():
    found = []
    for tag in sorted(os.listdir(paths.state_root())) if os.path.isdir(paths.state_root()) else []:
        if os.path.exists(_info_path(tag)) and _is_up(tag):
            with open(_info_path(tag), encoding="utf-8") as f:
                found.append(json.load(f))
    return found


def _run(args):
    """Holds a cluster until SIGTERM or SIGINT; the first line of output is "ready {…}"."""
    stop = signal.sigwait
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    with Cluster() as cluster:
        if args.fixture:
            cluster.apply(*fixture.standard())
            cluster.wait_pods(fixture.PODS)
        info = {
            "tag": cluster.node.tag,
            "pid": os.getpid(),
            "url": cluster.api.url,
            "node": cluster.node_name,
        }
        with open(_info_path(cluster.node.tag), "w", encoding="utf-8") as f:
            json.dump(info, f)
        print(_READY + json.dumps(info), flush=True)
        stop({signal.SIGTERM, signal.SIGINT})
    return 0


def _up(args):
    if args.foreground:
        return _run(args)
    command = [sys.executable, os.path.abspath(__file__), "up", "--foreground"] + [
        "--fixture"
    ] * args.fixture
    holder = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    line = holder.stdout.readline()
    if not line.startswith(_READY):
        return holder.wait() or 1
    info = json.loads(line[len(_READY) :])
    print(
        f"cluster {info['tag']} is up:  kubectl --server {info['url']} get pods -A\n"
        f"take it down:           {sys.argv[0]} down {info['tag']}"
    )
    return 0


def _down(args):
    unknown = set(args.tags) - {c["tag"] for c in _clusters()}
    for cluster in _clusters():
        if not args.tags or cluster["tag"] in args.tags:
            os.kill(cluster["pid"], signal.SIGTERM)
            wait_for(
                lambda tag=cluster["tag"]: not os.path.exists(_info_path(tag)),
                f"cluster {cluster['tag']} gone",
            )
    for tag in unknown:
        print(f"no cluster {tag} is up", file=sys.stderr)
    return 1 if unknown else 0


def _list(_):
    for cluster in _clusters():
        print(f"{cluster['tag']}  {cluster['url']}  node {cluster['node']}, pid {cluster['pid']}")
    return 0


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up")
    up.add_argument("--fixture", action="store_true", help="with the pods of tests and demo")
    up.add_argument("--foreground", action="store_true", help="stay until Ctrl-C")
    up.set_defaults(run=_up)
    down = commands.add_parser("down")
    down.add_argument("tags", nargs="*", metavar="TAG")
    down.set_defaults(run=_down)
    commands.add_parser("list").set_defaults(run=_list)
    commands.add_parser("sweep").set_defaults(run=lambda _: sweep() or 0)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
