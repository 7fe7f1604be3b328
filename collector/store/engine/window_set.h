// The windows that are open, by time.
//
// Threading: any thread. A window that is dropped or quarantined stays valid for those who hold it,
// but its files go: a query that is reading it may end with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/store/engine/metrics.h"
#include "collector/store/engine/paths.h"
#include "collector/store/file/files.h"
#include "collector/store/window/window.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

class WindowSet {
 public:
  struct Options {
    size_t block_cache_bytes = 0;
    rocksdb::Env* env = nullptr;  // null: RocksDB's own
  };

  // Ownership: the arguments outlive the set.
  WindowSet(file::Files& files, const Paths& paths, const Options& options, Metrics& metrics);

  // Opens the windows that the manifest lists, quarantines those that are damaged (other errors,
  // such as too many open files, are passed on), and removes directories that it does not list:
  // left-overs of a flush that did not end (the log has what they hold) or of a window that was
  // being dropped.
  absl::Status OpenAll(const std::set<int64_t>& listed);

  std::set<int64_t> Starts() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Oldest first.
  std::vector<std::shared_ptr<window::Window>> Overlapping(int64_t start_ms, int64_t end_ms) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<std::shared_ptr<window::Window>> GetOrCreate(int64_t start_ms)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Settles the parts of days that end before t; those of a window that turns out to be damaged go
  // to quarantine with it.
  absl::Status Settle(int64_t before_ms) ABSL_LOCKS_EXCLUDED(mutex_);
  // Settles and compacts everything.
  absl::Status SettleAll() ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the window out and unlinks it, or moves it to quarantine.
  absl::Status Drop(int64_t start_ms) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Quarantine(int64_t start_ms, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::vector<std::shared_ptr<window::Window>> All() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status QuarantineIfDamaged(int64_t start_ms, const absl::Status& status)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::string PathOf(int64_t start_ms) const;
  absl::Status MoveToQuarantine(int64_t start_ms, const absl::Status& why);

  file::Files& files_;
  const Paths& paths_;
  Metrics& metrics_;
  const window::Shared shared_;
  mutable Mutex mutex_;
  std::map<int64_t, std::shared_ptr<window::Window>> windows_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::engine
