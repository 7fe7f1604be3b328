"""The node's figures against Debian's node-exporter, run beside the agent: names, labels and values."""

import os
import re
import subprocess
import unittest
import urllib.request

from leadline_case import LeadlineCase
from minicluster import paths, wait_for

# Without what belongs to containers and pods, as the agent has it; the rest is upstream's default.
MOUNT_POINTS = (
    "^/(dev|proc|sys)($|/)|^/(run/(containerd|credentials|k3s/containerd)|"
    "var/lib/(containers/storage|docker|kubelet/pods))/.+"
)
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_LISTENING = re.compile(r"address=127\.0\.0\.1:(\d+)")

# What the rules and dashboards of node-mixin and kubernetes-mixin read of node-exporter's default
# collectors. On a machine without the file behind a name it is absent, in both.
MIXIN = """
node_bonding_active node_bonding_slaves node_boot_time_seconds node_context_switches_total
node_cpu_seconds_total node_disk_io_time_seconds_total node_disk_io_time_weighted_seconds_total
node_disk_read_bytes_total node_disk_written_bytes_total node_exporter_build_info
node_filefd_allocated node_filefd_maximum
node_filesystem_avail_bytes node_filesystem_files node_filesystem_files_free
node_filesystem_free_bytes node_filesystem_readonly node_filesystem_size_bytes
node_intr_total node_load1 node_load5 node_load15 node_md_disks node_md_disks_required
node_memory_Buffers_bytes node_memory_Cached_bytes node_memory_MemAvailable_bytes
node_memory_MemFree_bytes node_memory_MemTotal_bytes node_memory_SReclaimable_bytes
node_memory_Slab_bytes node_memory_SwapFree_bytes node_memory_SwapTotal_bytes
node_netstat_TcpExt_TCPSynRetrans node_netstat_Tcp_OutSegs node_netstat_Tcp_RetransSegs
node_network_receive_bytes_total node_network_receive_drop_total node_network_receive_errs_total
node_network_receive_packets_total node_network_transmit_bytes_total
node_network_transmit_drop_total node_network_transmit_errs_total
node_network_transmit_packets_total node_network_up node_nf_conntrack_entries
node_nf_conntrack_entries_limit node_procs_running node_schedstat_waiting_seconds_total
node_time_seconds node_timex_maxerror_seconds node_timex_offset_seconds node_timex_sync_status
node_uname_info node_vmstat_pgmajfault node_vmstat_pswpin node_vmstat_pswpout
""".split()
NOT_SERVED = {
    "node_exporter_build_info": "says which node-exporter it is",
}

# Names of node-exporter that are not the node's state, or that no rule reads: docs/metrics.md.
UNSERVED = re.compile(
    "node_(scrape_collector_.*|textfile_.*|exporter_.*|os_.*|arp_entries|disk_info|selinux_enabled"
    "|softnet_.*|udp_queues|time_zone.*|time_clocksource.*|nf_conntrack_stat_.*|hwmon_.*"
    "|cpu_(info|frequency.*|scaling.*|core.*|package.*)|cooling.*|thermal.*|power_supply.*|rapl_.*"
    "|edac_.*|dmi_.*|network_receive_nohandler_total|nvme_.*|zfs_.*|xfs_.*|btrfs_.*|nfs.*"
    "|timex_(frequency.*|loop.*|pps.*|status|tai.*|tick.*))"
)


def parse(text):
    """{(name, sorted labels): value} of the text format."""
    samples = {}
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match and match[1].startswith("node_"):
            labels = tuple(sorted(_LABEL.findall(match[2] or "")))
            samples[match[1], tuple((k, v) for k, v in labels if v)] = float(match[3])
    return samples


class NodeExporter:
    """A node-exporter with upstream's exclusions, which dies with this process."""

    def __init__(self, folder):
        self.log_path = os.path.join(folder, "node-exporter.log")
        self.process = None
        self.port = 0

    def up(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", paths.tool("prometheus-node-exporter")]
                + ["--web.listen-address=127.0.0.1:0", "--collector.netdev.device-exclude=^veth"]
                + [f"--collector.filesystem.mount-points-exclude={MOUNT_POINTS}"]
                + ["--no-collector.systemd"],
                stdout=log,
                stderr=log,
            )

        def listening():
            if self.process.poll() is not None:
                raise AssertionError(f"node-exporter ended; its log:\n{self.log()}")
            return _LISTENING.search(self.log())

        self.port = int(wait_for(listening, lambda: f"it listens:\n{self.log()}", 30)[1])

    def log(self):
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def read(self):
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as response:
            return parse(response.read().decode())

    def down(self):
        self.process.kill()
        self.process.wait()


class NodeFigures(LeadlineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.exporter = NodeExporter(cls.folder)
        cls.exporter.up()
        cls.addClassCleanup(cls.exporter.down)

    def served(self):
        """As NodeExporter.read, of the agent's samples."""
        selector = f'{{__name__=~"node_.*",cluster="{self.cluster.name}"}}'
        return {
            (dict(key)["__name__"], tuple(p for p in key if p[0] not in self.ENTITY)): value
            for key, value in self.collector.query(selector).items()
        }

    ENTITY = ("__name__", "cluster", "node")

    @staticmethod
    def compared(samples):
        """Without what is not served, and without interfaces of the pods that come and go."""
        return {
            key: value
            for key, value in samples.items()
            if not UNSERVED.fullmatch(key[0])
            and not any(k == "device" and v.startswith("veth") for k, v in key[1])
            and not (key[0] == "node_network_speed_bytes" and value < 0)
        }

    def test_names_labels_and_values_are_node_exporters(self):
        """Each served value lies between what node-exporter says before and after, or is of a figure
        that goes up and down faster than that."""

        def differences():
            before = self.compared(self.exporter.read())
            served = None

            def newer():
                nonlocal served
                served = self.compared(self.served())
                key = ("node_time_seconds", ())
                return key in served and served[key] > before[key]

            wait_for(newer, "a sample that is newer than node-exporter's", 30, 0.05)
            after = self.compared(self.exporter.read())
            wrong = [f"{key} is not served" for key in before if key in after and key not in served]
            wrong += [
                f"{key} is not node-exporter's"
                for key in served
                if key not in before and key not in after and key[0] not in self.NEWER
            ]
            for key in before.keys() & after.keys() & served.keys():
                low, high = sorted((before[key], after[key]))
                slack = 1e-9 * abs(high)
                name = key[0]
                if name.endswith("_total") or name.startswith("node_vmstat_"):
                    fine = low - slack <= served[key] <= high + slack
                else:
                    # A gauge may have been elsewhere in between; one that stands still may not.
                    fine = low != high or abs(served[key] - low) <= slack or name in self.RESTLESS
                if not fine:
                    wrong.append(f"{key}: {before[key]} .. {after[key]}, served {served[key]}")
            return sorted(wrong)

        wait_for(
            lambda: not differences(),
            lambda: "all agrees; what does not:\n" + "\n".join(differences()[:40]),
            60,
            0.5,
        )

    RESTLESS = {
        "node_entropy_available_bits",
        "node_filefd_allocated",
        "node_procs_blocked",
        "node_procs_running",
        *(f"node_load{n}" for n in (1, 5, 15)),
        # Connections: those of the questions that are asked here among them.
        "node_netstat_Tcp_CurrEstab",
        *(f"node_sockstat_TCP_{name}" for name in ("alloc", "inuse", "mem", "mem_bytes", "tw")),
        "node_sockstat_sockets_used",
    }
    # Later versions than Debian's have them.
    NEWER = {"node_netstat_TcpExt_TCPOFOQueue", "node_netstat_TcpExt_TCPRcvQDrop"}

    def test_the_names_that_the_mixins_read(self):
        """Each is served, or node-exporter does not have it on this machine either."""
        wait_for(lambda: len(self.served()) > 200, "the node's figures are there", 30)
        served = {name for name, _ in self.served()}
        exported = {name for name, _ in self.exporter.read()}
        absent = []
        for name in MIXIN:
            if name in NOT_SERVED:
                self.assertNotIn(name, served)
            elif name not in served:
                self.assertNotIn(name, exported, "node-exporter has it here")
                absent.append(name)
        print(f"absent on this machine: {' '.join(absent) or 'none'}", flush=True)
        self.assertLess(len(absent), len(MIXIN) // 4)


if __name__ == "__main__":
    unittest.main()
