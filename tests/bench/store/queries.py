"""What is asked of every store, and whether two answers say the same."""

import math
from dataclasses import dataclass, field

_RATE = "rate(container_cpu_usage_seconds_total[5m])"


@dataclass
class Question:
    """`faster` is how many times faster than (prometheus, victoria-metrics) the answer is to come."""

    name: str
    path: str
    parameters: dict
    native: dict = field(default_factory=dict)  # instead, where latencies are native histograms
    faster: tuple = (1, 1)
    # rate and increase of MetricsQL begin at the sample before the range and extrapolate nothing;
    # its answers are near those of PromQL, not equal.
    rates: bool = False
    also_cold: bool = False
    under_a_second: bool = False

    def asked(self, dialect):
        parameters = {**self.parameters, **(self.native if dialect == "native" else {})}
        pairs = []
        for name, value in parameters.items():
            pairs.extend((name, v) for v in (value if isinstance(value, list) else [value]))
        return pairs

    def comparable(self, dialect):
        return dialect == "classic" or not self.native


_GROUPED = [
    ("sum of rates by namespace", f"sum by (namespace) ({_RATE})", None, True),
    ("10 pods with most CPU", f"topk(10, sum by (pod) ({_RATE}))", None, True),
    (
        "p99 by service",
        "histogram_quantile(0.99, sum by (service, le) "
        "(rate(http_server_request_duration_seconds_bucket[5m])))",
        "histogram_quantile(0.99, sum by (service) (rate(http_server_request_duration_seconds[5m])))",
        True,
    ),
    ("series by namespace", 'count by (namespace) ({__name__=~"container_.*"})', None, False),
]


def grouped(start_s, end_s, step_s, suffix, which=None):
    """The grouped questions at one time (step 0) or over a range."""
    if step_s:
        path, times = "/api/v1/query_range", {"start": start_s, "end": end_s, "step": step_s}
    else:
        path, times = "/api/v1/query", {"time": end_s}
    return [
        Question(
            f"{name}, {suffix}",
            path,
            {"query": classic, **times},
            {"query": native} if native else {},
            (3, 2),
            rates,
        )
        for name, classic, native, rates in _GROUPED
        if which is None or name in which
    ]


def month(start_s, end_s, suffix):
    """The sum of rates by namespace, from rollups and from samples."""
    parameters = {
        "query": "sum by (namespace) (rate(container_cpu_usage_seconds_total[1h]))",
        "start": start_s - start_s % 3600 + 3600,
        "end": end_s,
        "step": 3600,
    }
    name = "sum of rates by namespace"
    return [
        Question(f"{name}, {suffix}, rollups", "/api/v1/query_range", parameters, under_a_second=True),
        Question(
            f"{name}, {suffix}, samples", "/api/v1/query_range", {**parameters, "max_source_resolution": 0}
        ),
    ]


def narrow(start_s, end_s, pod, namespace):
    """Those that read little, for which the way to it counts."""
    times = {"start": start_s, "end": end_s}
    return [
        Question("one pod, all metrics, 1 h", "/api/v1/query_range",
                 {"query": f'{{pod="{pod}"}}', **times, "step": 15},
                 {"query": f'{{pod="{pod}",__name__!~"http_.*"}}'}, also_cold=True),
        Question("label values: pods", "/api/v1/label/pod/values", times, also_cold=True),
        Question("label values: pods of a namespace", "/api/v1/label/pod/values",
                 {**times, "match[]": f'container_processes{{namespace="{namespace}"}}'}, also_cold=True),
        Question("series of a metric in a namespace", "/api/v1/series",
                 {**times, "match[]": f'container_cpu_usage_seconds_total{{namespace="{namespace}"}}'},
                 also_cold=True),
    ]  # fmt: skip


def _flat(data):
    """An answer as {what: [(time, value)]}."""
    if isinstance(data, list):
        return {
            e if isinstance(e, str) else tuple(sorted(e.items())): [] for e in data
        }
    flat = {}
    for e in data["result"]:
        points = e.get("values") or [e["value"]]
        flat[tuple(sorted(e["metric"].items()))] = [(float(t), float(v)) for t, v in points]
    return flat


def points(data):
    return sum(max(1, len(values)) for values in _flat(data).values())


def difference(one, other):
    """(how many series or times only one of them has, the median and the largest relative difference
    of the values that both have)."""
    one, other = _flat(one), _flat(other)
    missing = len(one.keys() ^ other.keys())
    deviations = []
    for key in one.keys() & other.keys():
        theirs = dict(other[key])
        missing += abs(len(one[key]) - len(theirs))
        for t, value in one[key]:
            if t not in theirs:
                continue
            if value == theirs[t] or (math.isnan(value) and math.isnan(theirs[t])):
                deviations.append(0.0)
            else:
                deviations.append(abs(value - theirs[t]) / max(abs(value), abs(theirs[t])))
    deviations.sort()
    return missing, deviations[len(deviations) // 2] if deviations else 0.0, max(deviations, default=0.0)
