"""vmlinux.h declares what our BPF programs use, and nothing else."""

import glob
import os
import re
import unittest

_BPF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bpf")
_VMLINUX = os.path.join(_BPF, "lib/vmlinux.h")
_NO_TYPES = {"signed", "_Bool", "push", "pop", "apply_to", "preserve_access_index"}


def _names(path):
    with open(path, encoding="utf-8") as f:
        text = re.sub(r'/\*.*?\*/|//[^\n]*|"[^"\n]*"', "", f.read(), flags=re.DOTALL)
    return re.findall(r"[A-Za-z_]\w*", text)


class KernelTypes(unittest.TestCase):
    def test_are_all_used(self):
        declared = _names(_VMLINUX)
        used = set()
        for path in glob.glob(f"{_BPF}/**/*.[ch]", recursive=True):
            if not os.path.samefile(path, _VMLINUX):
                used.update(_names(path))
        for path in glob.glob("/usr/include/bpf/bpf_*.h"):  # libbpf's need some, too
            used.update(_names(path))
        self.assertTrue(used)
        # What stands there twice is declared and used by a declaration.
        unused = {name for name in declared if declared.count(name) == 1} - used - _NO_TYPES
        self.assertEqual(unused, set(), "bpf/lib/vmlinux.h")


if __name__ == "__main__":
    unittest.main()
