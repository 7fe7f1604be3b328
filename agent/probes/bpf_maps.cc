#include "agent/probes/bpf_maps.h"

#include "fmt/format.h"

namespace leadline::agent::probes {

absl::Status BpfMapError(std::string_view map, std::string_view what, int error) {
  return absl::InternalError(
      fmt::format("BPF map {}: cannot {}: {}", map, what, std::strerror(error)));
}

absl::Status SetMapEntries(bpf_object* object, const char* map, uint32_t entries) {
  bpf_map* found = bpf_object__find_map_by_name(object, map);
  const int error = found == nullptr ? -ENOENT : bpf_map__set_max_entries(found, entries);
  return error == 0 ? absl::OkStatus() : BpfMapError(map, "set its size", -error);
}

}  // namespace leadline::agent::probes
