// Maps of a BPF object: their sizes and read-only data before the load, and the errors of all.
#pragma once

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"

namespace leadline::agent::probes {

// "BPF map process_rows: cannot read it: Invalid argument"; `error` is an errno.
absl::Status BpfMapError(std::string_view map, std::string_view what, int error);

// Of an object that is not yet loaded.
absl::Status SetMapEntries(bpf_object* object, const char* map, uint32_t entries);

// Lets `edit` change the `const volatile` variables of an object that is not yet loaded; `Rodata`
// is the skeleton's struct of them.
template <typename Rodata, typename Edit>
absl::Status EditReadOnlyData(bpf_object* object, Edit edit) {
  bpf_map* map = bpf_object__find_map_by_name(object, ".rodata");
  if (map == nullptr || bpf_map__value_size(map) != sizeof(Rodata)) {
    return BpfMapError(".rodata", "take it as in the skeleton", EINVAL);
  }
  Rodata rodata;
  size_t initial_bytes = 0;
  std::memcpy(&rodata, bpf_map__initial_value(map, &initial_bytes), sizeof(rodata));
  edit(rodata);
  const int error = bpf_map__set_initial_value(map, &rodata, sizeof(rodata));
  return error == 0 ? absl::OkStatus() : BpfMapError(".rodata", "set its value", -error);
}

}  // namespace leadline::agent::probes
