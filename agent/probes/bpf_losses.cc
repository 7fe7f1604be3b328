#include "agent/probes/bpf_losses.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstring>
#include <numeric>

#include "fmt/format.h"

namespace leadline::agent::probes {

absl::StatusOr<std::vector<uint64_t>> ReadPerCpuCounters(int map_fd, uint32_t count, uint32_t cpus,
                                                         std::string_view name) {
  std::vector<uint64_t> sums;
  std::vector<uint64_t> per_cpu(cpus);
  for (uint32_t entry = 0; entry < count; ++entry) {
    if (bpf_map_lookup_elem(map_fd, &entry, per_cpu.data()) != 0) {
      return absl::InternalError(
          fmt::format("BPF map {}: entry {}: {}", name, entry, std::strerror(errno)));
    }
    sums.push_back(std::accumulate(per_cpu.begin(), per_cpu.end(), uint64_t{0}));
  }
  return sums;
}

}  // namespace leadline::agent::probes
