"""Where the built programs are, and where running clusters keep their state."""

import os
import shutil
import tempfile

_HERE = os.path.dirname(os.path.abspath(__file__))
_SOURCE_DIR = os.path.dirname(os.path.dirname(os.path.dirname(_HERE)))


def build_dir():
    """LEADLINE_BUILD_DIR, or the newest of the usual build folders that has the test workloads."""
    if os.environ.get("LEADLINE_BUILD_DIR"):
        return os.environ["LEADLINE_BUILD_DIR"]
    candidates = [os.path.join(_SOURCE_DIR, "build", preset) for preset in ("release", "dev")]
    built = [c for c in candidates if os.path.exists(os.path.join(c, "e2e", "rootfs", ".stamp"))]
    if not built:
        raise RuntimeError(
            f"the test workloads are not built: none of {', '.join(candidates)} has e2e/rootfs "
            "(build the target e2e_rootfs, or set LEADLINE_BUILD_DIR)"
        )
    return max(built, key=lambda c: os.path.getmtime(os.path.join(c, "e2e", "rootfs", ".stamp")))


def program(name):
    """A built program of the project: leadline-agent, leadline-collector, leadline."""
    return os.path.join(build_dir(), "bin", name)


def tool(name):
    """A program of a Debian package that ./dev unpacks, or the machine's own."""
    unpacked = os.path.join(_SOURCE_DIR, "build", "tools", name)
    return unpacked if os.path.exists(unpacked) else shutil.which(name) or unpacked


def node_init():
    return os.path.join(build_dir(), "e2e", "bin", "node_init")


def rootfs():
    return os.path.join(build_dir(), "e2e", "rootfs")


def state_root():
    return os.path.join(tempfile.gettempdir(), "leadline-minicluster")
