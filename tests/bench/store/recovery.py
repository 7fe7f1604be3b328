#!/usr/bin/python3
"""How soon a collector is back after kill -9: until it takes a write, and until it answers a query.

    recovery.py BIN_DIR [--series N] [--scrapes N] [--fast] [--turns N] [--keep DIR]

It is fed by the agents' protocol, a scrape of all series at a time, the next when it is idle, as it would be between two
scrapes; with --fast as fast as it can, so that flushes lag and more of the log is needed. What it had on disk when it was
killed is kept, and started from as often as there are turns. With --keep DIR it is made there, or found there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(_HERE)), "e2e"))

import feeding  # noqa: E402
import gauges  # noqa: E402
import servers  # noqa: E402

_SERIES_A_NODE = 3600
_INTERVAL_S = 10
_LOOK_S = 0.1
_IDLE_CPU_S = 0.01  # a look
_IDLE_LOOKS = 15    # longer than the store's maintenance waits
_ASK_EVERY_S = 0.01
_TIMEOUT_S = 120


def _wait_until_idle(store):
    idle = 0
    while idle < _IDLE_LOOKS:
        cpu = store.cpu_s()
        time.sleep(_LOOK_S)
        idle = idle + 1 if store.cpu_s() - cpu < _IDLE_CPU_S else 0


def _feed(args, folder):
    """Feeds and kills a collector; what is to be found again."""
    store = servers.Leadline(folder, "agents").start()
    end_s = int(time.time()) - 60
    nodes = max(1, round(args.series / _SERIES_A_NODE))
    phases = [(f"scrape {i}", 1) for i in range(args.scrapes)]
    if args.fast:
        phases = [("all", args.scrapes)]
    feeder = feeding.Feeder(store, nodes, (end_s - args.scrapes * _INTERVAL_S) * 1000, phases)
    samples = 0
    for _ in phases:
        samples += feeder.phase()["samples"]
        if not args.fast:
            _wait_until_idle(store)
    feeder.end()
    store.kill()
    fed = {"samples": samples, "nodes": nodes, "end_s": end_s, "data": store.data}
    with open(os.path.join(folder, "fed.json"), "w", encoding="ascii") as f:
        json.dump(fed, f)
    return fed


def _ok(url, body=None):
    kind = {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=_TIMEOUT_S) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError):
        return None


def _one_sample(now_s):
    point = {"timeUnixNano": str(int(now_s * 1e9)), "asInt": "1"}
    metric = {"name": "recovery_probe", "gauge": {"dataPoints": [point]}}
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()


def _until(begin, deadline, ask):
    while time.monotonic() < deadline:
        if ask():
            return time.monotonic() - begin
        time.sleep(_ASK_EVERY_S)
    return None


def _turn(bin_dir, source, folder, fed):
    """A start from a copy of what was left: seconds and CPU seconds until it was there."""
    data = os.path.join(folder, "data")
    shutil.rmtree(data, ignore_errors=True)
    # The log's end may be cut, so it is copied; files of windows are never changed.
    shutil.copytree(source, data)
    port = servers.free_port()
    url = f"http://127.0.0.1:{port}"
    with open(os.path.join(folder, "log"), "ab") as log:
        begin = time.monotonic()
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", os.path.join(bin_dir, "leadline-collector"),
             "--data", data, "--http", f"127.0.0.1:{port}", "--grpc", "127.0.0.1:0",
             "--retention", "0", "--max-late", "0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
    peak = gauges.Peak(process.pid)
    took = {}

    def write():
        took["write_s"] = _until(
            begin, begin + _TIMEOUT_S, lambda: _ok(f"{url}/v1/metrics", _one_sample(time.time())) is not None
        )
        took["write_cpu_s"] = gauges.cpu_s(process.pid)

    writer = threading.Thread(target=write)
    writer.start()
    query = f"{url}/api/v1/query?query=count(container_processes)&time={fed['end_s']}"
    took["query_s"] = _until(begin, begin + _TIMEOUT_S, lambda: _ok(query))
    took["query_cpu_s"] = gauges.cpu_s(process.pid)
    writer.join()
    peak.stop()
    took["peak_bytes"] = peak.take()
    found = json.loads(_ok(query))["data"]["result"]
    took["containers"] = int(found[0]["value"][1]) if found else 0
    process.kill()
    process.wait()
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("bin_dir")
    parser.add_argument("--series", type=int, default=1_000_800)
    parser.add_argument("--scrapes", type=int, default=60)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--keep")
    args = parser.parse_args()
    os.environ["LEADLINE_BUILD_DIR"] = os.path.dirname(os.path.abspath(args.bin_dir))
    with tempfile.TemporaryDirectory(prefix="leadline-recovery-") as scratch:
        folder = args.keep or os.path.join(scratch, "fed")
        if os.path.exists(os.path.join(folder, "fed.json")):
            with open(os.path.join(folder, "fed.json"), encoding="ascii") as f:
                fed = json.load(f)
        else:
            os.makedirs(folder, exist_ok=True)
            fed = _feed(args, folder)
        data = fed["data"]
        log_bytes = gauges.disk_bytes(os.path.join(data, "log"))
        print(f"{fed['nodes'] * _SERIES_A_NODE} series, {fed['samples'] / 1e6:.1f} M samples, "
              f"{log_bytes / 1e6:.0f} MB of log, load {os.getloadavg()[0]:.1f}", flush=True)  # fmt: skip
        for _ in range(args.turns):
            took = _turn(args.bin_dir, data, scratch, fed)
            print(f"writes after {took['write_s']:.2f} s ({took['write_cpu_s']:.2f} CPU s), "
                  f"answers after {took['query_s']:.2f} s ({took['query_cpu_s']:.2f} CPU s), "
                  f"{took['containers']} containers, {took['peak_bytes'] >> 20} MiB", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
