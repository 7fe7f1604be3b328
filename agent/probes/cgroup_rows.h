// The rows of a BPF hash map whose keys begin with the cgroup that they count for: read in batches,
// deleted by user space only, after their cgroup has ended.
//
// `Key` has a field `cgroup`; `Value` is what the kernel counts. Errors name the map. Not
// thread-safe.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/bpf_maps.h"
#include "common/status_macros.h"

namespace leadline::agent::probes {

template <typename Key, typename Value>
class CgroupRows {
 public:
  // The loaded object has to outlive this.
  static absl::StatusOr<CgroupRows> Open(bpf_object* object, std::string map) {
    CgroupRows rows;
    rows.fd_ = bpf_object__find_map_fd_by_name(object, map.c_str());
    rows.map_ = std::move(map);
    if (rows.fd_ < 0) return BpfMapError(rows.map_, "find it", ENOENT);
    return rows;
  }

  // A row that is there from the start.
  absl::Status Add(const Key& key) {
    const Value none = {};
    if (bpf_map_update_elem(fd_, &key, &none, BPF_NOEXIST) == 0) return absl::OkStatus();
    return BpfMapError(map_, "add a row", errno);
  }

  // Every row; `last` where it is deleted after this. After an error what was not handed out is
  // there for the next Read.
  absl::Status Read(absl::FunctionRef<void(const Key&, const Value&, bool last)> handler) {
    LL_RETURN_IF_ERROR(Collect());
    return HandOut(handler);
  }

  // The two halves of Read, for what has to happen in between.
  absl::Status Collect();
  absl::Status HandOut(absl::FunctionRef<void(const Key&, const Value&, bool last)> handler) {
    absl::Status status;
    for (size_t i = 0; i < keys_.size(); ++i) {
      const bool last = forgotten_.contains(keys_[i].cgroup);
      handler(keys_[i], values_[i], last);
      if (last && bpf_map_delete_elem(fd_, &keys_[i]) != 0) {
        status = BpfMapError(map_, "delete a row", errno);
      }
    }
    forgotten_.clear();
    return status;
  }

  // The cgroup has ended: the next Read hands its rows out a last time and deletes them.
  void Forget(uint64_t cgroup_id) { forgotten_.insert(cgroup_id); }

  // As of the last Read.
  uint32_t size() const { return static_cast<uint32_t>(keys_.size()); }

 private:
  // A bucket of the kernel's table with more rows than that makes it grow.
  static constexpr uint32_t kBatchRows = 256;

  void Resize(size_t rows) {
    keys_.resize(rows);
    values_.resize(rows);
  }

  std::string map_;
  int fd_ = -1;
  absl::flat_hash_set<uint64_t> forgotten_;
  // Of the last read.
  std::vector<Key> keys_;
  std::vector<Value> values_;
};

template <typename Key, typename Value>
absl::Status CgroupRows<Key, Value>::Collect() {
  Resize(0);
  uint32_t batch = kBatchRows;
  uint32_t position = 0;  // the kernel's
  for (bool more = true, first = true; more;) {
    const size_t have = keys_.size();
    Resize(have + batch);
    uint32_t count = batch;
    const bool failed = bpf_map_lookup_batch(fd_, first ? nullptr : &position, &position,
                                             &keys_[have], &values_[have], &count, nullptr) != 0;
    const int error = failed ? errno : 0;
    if (error == ENOSPC && count == 0) {
      batch *= 2;
      Resize(have);
      continue;
    }
    if (error != 0 && error != ENOENT) {
      Resize(0);
      return BpfMapError(map_, "read it", error);
    }
    Resize(have + count);
    more = error == 0;
    first = false;
  }
  return absl::OkStatus();
}

}  // namespace leadline::agent::probes
