#include "agent/probes/map_memory.h"

#include <algorithm>
#include <bit>

namespace leadline::agent::probes {
namespace {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kPointerBytes = 8;
constexpr uint64_t kMapBytes = 512;     // the kernel's struct of a map, about
constexpr uint64_t kElementBytes = 48;  // struct htab_elem without key and value
constexpr uint64_t kBucketBytes = 16;   // struct bucket
constexpr uint64_t kRingMetaPages = 3;  // consumer's, producer's, the struct's own

uint64_t RoundUp(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

uint64_t HashBytes(uint64_t key_bytes, uint64_t value_bytes, uint64_t entries, bool is_lru,
                   bool is_per_cpu, uint32_t cpus) {
  const uint64_t in_element = is_per_cpu ? kPointerBytes : value_bytes;
  // A hash that is not LRU keeps a spare element for each CPU.
  const uint64_t elements = entries + (is_lru || is_per_cpu ? 0 : cpus);
  return kBucketBytes * std::bit_ceil(entries) +
         (kElementBytes + RoundUp(key_bytes, 8) + in_element) * elements +
         (is_per_cpu ? value_bytes * cpus * elements : 0);
}

uint64_t MapBytes(const bpf_map* map, uint32_t cpus) {
  const uint64_t entries = bpf_map__max_entries(map);
  const uint64_t key_bytes = bpf_map__key_size(map);
  const uint64_t value_bytes = RoundUp(bpf_map__value_size(map), 8);
  const bpf_map_type type = bpf_map__type(map);
  switch (type) {
    case BPF_MAP_TYPE_RINGBUF:
      return entries + kRingMetaPages * kPageBytes;
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      return kMapBytes + entries * (kPointerBytes + value_bytes * cpus);
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH: {
      const bool is_lru = type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
      const bool is_per_cpu =
          type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
      return kMapBytes + HashBytes(key_bytes, value_bytes, entries, is_lru, is_per_cpu, cpus);
    }
    default:
      if (bpf_map__map_flags(map) & BPF_F_MMAPABLE) {
        return kPageBytes + RoundUp(value_bytes * entries, kPageBytes);
      }
      return kMapBytes + value_bytes * entries;
  }
}

}  // namespace

std::vector<MapReport> MapsOf(const bpf_object* object, uint32_t cpus) {
  std::vector<MapReport> reports;
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    reports.push_back({.name = bpf_map__name(map),
                       .entries = bpf_map__max_entries(map),
                       .bytes = MapBytes(map, cpus),
                       .is_ring = bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF,
                       .is_mapped = (bpf_map__map_flags(map) & BPF_F_MMAPABLE) != 0});
  }
  return reports;
}

}  // namespace leadline::agent::probes
