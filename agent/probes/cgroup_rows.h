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
  static absl::StatusOr<CgroupRows> Open(bpf_object* object, const std::string& map) {
    CgroupRows rows;
    rows.fd_ = bpf_object__find_map_fd_by_name(object, map.c_str());
    rows.map_ = map;
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
  absl::Status Collect() { return ReadBpfHash(fd_, map_, keys_, values_); }
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
  std::string map_;
  int fd_ = -1;
  absl::flat_hash_set<uint64_t> forgotten_;
  // Of the last read.
  std::vector<Key> keys_;
  std::vector<Value> values_;
};

}  // namespace leadline::agent::probes
