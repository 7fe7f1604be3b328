#!/usr/bin/python3
"""Records an agent on the demo's cluster: the stream that `./dev bench` measures the wire with.

    record_cluster.py FILE [INTERVALS]      10 s each, 12 of them unless told otherwise
"""

import os
import sys

from demo import workloads
from minicluster import objects as o, wait_for
from watched import watched

_INTERVAL_S = 10


def record(file, intervals):
    with watched("bench", f"{_INTERVAL_S}s", ["--record", file]) as (cluster, _, agent):
        workloads(cluster)
        nightly = cluster.apply(o.cron_job("batch", "nightly"))
        for count in range(1, intervals + 1):
            # A job an interval, so that there are definitions on the way too.
            cluster.flash(nightly, o.calls("times", rate=1000, for_ms=200, hold=False))
            wait_for(
                lambda: agent.metric("leadline_agent_export_batches_sent_total") >= count,
                lambda: f"{count} batches; its log:\n{agent.log()}",
                3 * _INTERVAL_S,
                0.2,
            )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    record(os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) == 3 else 12)
