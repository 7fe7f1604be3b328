"""What a runtime is told of a container: its OCI specification, from the pod's."""

from dataclasses import dataclass

_DEFAULT_CAPABILITIES = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
]
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# As containerd has them.
_MASKED_PATHS = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
]
_READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
_PROPAGATION = {"None": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}


@dataclass(frozen=True)
class Mount:
    source: str
    destination: str
    read_only: bool = False
    propagation: str = "None"  # as mountPropagation of a pod

    def as_oci(self):
        return {
            "destination": self.destination,
            "type": "bind",
            "source": self.source,
            "options": [
                "rbind",
                _PROPAGATION[self.propagation],
                "ro" if self.read_only else "rw",
            ],
        }


@dataclass(frozen=True)
class Security:
    """What a container may do; without a securityContext as runtimes do by default."""

    uid: int
    gid: int
    groups: list
    capabilities: list
    no_new_privileges: bool
    read_only_root: bool

    @staticmethod
    def of(pod_spec, container):
        pod = pod_spec.get("securityContext") or {}
        context = {**pod, **(container.get("securityContext") or {})}
        change = context.get("capabilities") or {}
        drop = {f"CAP_{c}" for c in change.get("drop") or []}
        kept = [c for c in _DEFAULT_CAPABILITIES if not drop & {c, "CAP_ALL"}]
        uid = context.get("runAsUser", 0)
        if context.get("runAsNonRoot") and uid == 0:
            raise RuntimeError("container has runAsNonRoot and would run as root")
        return Security(
            uid=uid,
            gid=context.get("runAsGroup", 0),
            groups=[context["fsGroup"]] if "fsGroup" in context else [],
            capabilities=kept + [f"CAP_{c}" for c in change.get("add") or []],
            no_new_privileges=not context.get("allowPrivilegeEscalation", False),
            read_only_root=context.get("readOnlyRootFilesystem", True),
        )


def oci_spec(root, security, args, env, mounts, namespaces, resources, hostname, annotations):
    """`root`: folder of the root file system; `namespaces`: {type: path or None for a new one}."""
    spec = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": security.uid, "gid": security.gid, "additionalGids": security.groups},
            "args": args,
            "env": [_PATH, *env],
            "cwd": "/",
            "capabilities": {
                k: security.capabilities for k in ("bounding", "effective", "permitted")
            },
            "noNewPrivileges": security.no_new_privileges,
        },
        "root": {"path": root, "readonly": security.read_only_root},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {
                "destination": "/dev",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
            },
            {
                "destination": "/dev/pts",
                "type": "devpts",
                "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            },
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
            {
                "destination": "/sys",
                "type": "sysfs",
                "source": "sysfs",
                "options": ["nosuid", "noexec", "nodev", "ro"],
            },
            *(mount.as_oci() for mount in mounts),
        ],
        "annotations": annotations,
        "linux": {
            "resources": resources,
            "namespaces": [
                {"type": t, "path": p} if p else {"type": t} for t, p in namespaces.items()
            ],
            "maskedPaths": _MASKED_PATHS,
            "readonlyPaths": _READONLY_PATHS,
        },
    }
    if "uts" in namespaces and namespaces["uts"] is None:
        spec["hostname"] = hostname
    return spec
