"""The system calls that workloads/calls.c makes."""

import os
import subprocess
from typing import NamedTuple

from . import paths


class Call(NamedTuple):
    name: str
    fails: bool  # always, with an errno that the workload checks
    i386: bool  # can be made as a 32-bit call too, which not every kernel takes


def calls():
    listing = subprocess.run(
        [os.path.join(paths.rootfs(), "bin", "calls"), "--list"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = [line.split() for line in listing.splitlines()]
    return [Call(name, errno != "0", i386 == "1") for name, errno, i386 in rows]
