"""Queries with a title and a remark, asked of a collector by the command line and printed as they would be typed."""

import subprocess

from minicluster import paths


def ask(collector, title, remark, expression):
    """Prints one question and the table that `leadline query` answers with."""
    done = subprocess.run(
        [paths.program("leadline"), "query", "--collector", collector.url, expression],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"leadline query: {done.stderr.strip()}")
    print(f"## {title}")
    if remark:
        print(remark)
    print(f"\n    leadline query '{expression}'\n\n{done.stdout or done.stderr}", flush=True)
