// Maps of a BPF object: their sizes and read-only data before the load, the reading of hashes, and
// the errors of all.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

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

// Sets the variables of a loaded object that are in the section ".data" or ".bss"; `Data` is the
// skeleton's struct of them. The programs may run meanwhile: each variable changes by itself.
template <typename Data>
absl::Status WriteData(const bpf_object* object, const char* section, const Data& data) {
  const bpf_map* map = bpf_object__find_map_by_name(object, section);
  if (map == nullptr || bpf_map__value_size(map) != sizeof(data)) {
    return BpfMapError(section, "take it as in the skeleton", EINVAL);
  }
  const uint32_t only = 0;
  return bpf_map_update_elem(bpf_map__fd(map), &only, &data, BPF_ANY) == 0
             ? absl::OkStatus()
             : BpfMapError(section, "set its value", errno);
}

// All elements of a hash; those that come or go meanwhile may be missing. Uses the vectors' memory
// again. On an error both are empty.
template <typename Key, typename Value>
absl::Status ReadBpfHash(int fd, std::string_view map, std::vector<Key>& keys,
                         std::vector<Value>& values) {
  const auto resize = [&](size_t elements) {
    keys.resize(elements);
    values.resize(elements);
  };
  resize(0);
  uint32_t batch = 256;   // a bucket of the kernel's table with more elements makes it grow
  uint32_t position = 0;  // the kernel's
  for (bool more = true, first = true; more;) {
    const size_t have = keys.size();
    resize(have + batch);
    uint32_t count = batch;
    const bool failed = bpf_map_lookup_batch(fd, first ? nullptr : &position, &position,
                                             &keys[have], &values[have], &count, nullptr) != 0;
    const int error = failed ? errno : 0;
    if (error == ENOSPC && count == 0) {
      batch *= 2;
      resize(have);
      continue;
    }
    if (error != 0 && error != ENOENT) {
      resize(0);
      return BpfMapError(map, "read it", error);
    }
    resize(have + count);
    more = error == 0;
    first = false;
  }
  return absl::OkStatus();
}

}  // namespace leadline::agent::probes
