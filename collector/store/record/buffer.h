// Records that are in no window yet.
//
// A flush: Freeze sets aside what there is (with what a flush that failed has left), Frozen gives
// it, DropFrozen forgets it once windows have it. One flush at a time. Threading: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/model/record.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::record {

// Records of one table, in the order of time, then key; of equal ones that which was put last.
using InTime = std::map<std::pair<int64_t, std::string>, std::string>;

class Buffer {
 public:
  void Append(std::string_view tenant, absl::Span<const model::Record> records)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Puts those of the filter, by what wins last. Errors: those of the filter's limits.
  absl::Status Select(std::string_view tenant, const RecordFilter& filter, InTime& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Freeze() ABSL_LOCKS_EXCLUDED(mutex_);
  std::map<std::string, std::vector<model::Record>> Frozen() const ABSL_LOCKS_EXCLUDED(mutex_);
  void DropFrozen() ABSL_LOCKS_EXCLUDED(mutex_);

  // That they take of memory, about. Waits for nobody.
  uint64_t bytes() const { return bytes_; }

 private:
  struct Place {
    model::RecordTable table;
    std::string key;
    int64_t ts_ms;
    auto operator<=>(const Place&) const = default;
  };
  using Rows = std::map<Place, std::string>;
  using Tenants = std::map<std::string, Rows, std::less<>>;

  static absl::Status Collect(const Tenants& tenants, std::string_view tenant,
                              const RecordFilter& filter, InTime& out);

  mutable Mutex mutex_;
  Tenants live_ ABSL_GUARDED_BY(mutex_);
  Tenants frozen_ ABSL_GUARDED_BY(mutex_);
  uint64_t frozen_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> bytes_{0};  // of all; changed with the mutex
};

}  // namespace leadline::collector::store::record
