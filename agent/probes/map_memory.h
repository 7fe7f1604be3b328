// What BPF maps take of the kernel's memory, computed as the kernel does it.
//
// Source: the map_mem_usage functions of Linux 6.18 (kernel/bpf/arraymap.c, hashtab.c, ringbuf.c).
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

#include "agent/probes/probe_report.h"

namespace leadline::agent::probes {

// Of an object that is open; its maps need not exist yet. `cpus`: possible ones.
std::vector<MapReport> MapsOf(const bpf_object* object, uint32_t cpus);

}  // namespace leadline::agent::probes
