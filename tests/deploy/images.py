"""The images of deploy/images as folders, made as the recipe makes them, from the built programs."""

import os
import subprocess

from manifests import SOURCE_DIR
from minicluster import paths

_PROGRAM_FILES = os.path.join(SOURCE_DIR, "deploy", "images", "program_files.sh")
_PROGRAMS = {
    "leadline-agent": ("leadline-agent",),
    "leadline-collector": ("leadline-collector", "leadline"),
}


def make(image, folder):
    """(folder, entrypoint) of `image`, a name without its tag, for a cluster's `images`."""
    programs = _PROGRAMS[image]
    subprocess.run([_PROGRAM_FILES, folder, *map(paths.program, programs)], check=True)
    return folder, [f"/usr/bin/{programs[0]}"]
