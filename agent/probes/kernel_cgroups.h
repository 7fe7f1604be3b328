// Tells the BPF programs by which hierarchy's cgroups they count: see bpf/lib/cgroup.bpf.h.
//
// Thread-safe.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/model/cgroup_hierarchy.h"

namespace leadline::agent::probes {

struct KernelCgroups {
  uint32_t hierarchy = 0;
  uint32_t controller = 0;  // of v1: the kernel's own number of it
};

// NOT_FOUND when the kernel has no such controller.
absl::StatusOr<KernelCgroups> FindKernelCgroups(const CgroupHierarchy& hierarchy);

// Sets the constants of an object that is not yet loaded, and sizes what only v1 needs.
absl::Status ConfigureCgroups(bpf_object* object, const KernelCgroups& cgroups);

}  // namespace leadline::agent::probes
