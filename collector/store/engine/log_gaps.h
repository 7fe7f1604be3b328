// The times of samples that the log has lost, for warnings in answers.
//
// What a segment has lost was written between what is whole of it, or of those around it; that
// includes samples of series whose definitions were lost. Each range is an empty directory
// quarantine/gap-OLDEST-NEWEST (milliseconds since the Unix epoch), so that it is known after the
// next start too, as long as nobody removes it.
//
// Threading: any thread. Ownership: files and paths outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"

#include "collector/store/engine/paths.h"
#include "collector/store/engine/recovery.h"
#include "collector/store/file/files.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

// What a start found lost; nothing is later than `newest_ms`, which bounds what was behind
// everything that is left.
std::vector<TimeRange> LostTimes(const LogScan& scan, int64_t newest_ms);

class LogGaps {
 public:
  LogGaps(file::Files& files, const Paths& paths) : files_(files), paths_(paths) {}

  // Those of former starts.
  absl::Status Find() ABSL_LOCKS_EXCLUDED(mutex_);
  // Of an error it is known until the store is closed.
  absl::Status Add(const TimeRange& lost) ABSL_LOCKS_EXCLUDED(mutex_);
  // A text for each that has a time of the range.
  std::vector<std::string> Texts(int64_t start_ms, int64_t end_ms) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  file::Files& files_;
  const Paths& paths_;
  mutable Mutex mutex_;
  std::map<int64_t, int64_t> newest_by_oldest_ms_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::engine
