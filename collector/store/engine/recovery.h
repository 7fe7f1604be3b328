// Reads the log after a start: first what writers have to be told, then everything into the head.
//
// ScanLog checks every frame and takes the writers' sequences, so that writes can be taken at once;
// ReplayLog applies what the frames hold. Both read what the manifest's checkpoints leave of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/store/engine/metrics.h"
#include "collector/store/engine/paths.h"
#include "collector/store/engine/writers.h"
#include "collector/store/file/files.h"
#include "collector/store/head/head.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

struct LogScan {
  struct Segment {
    uint64_t number = 0;
    uint64_t bytes = 0;  // that count
  };
  std::vector<Segment> segments;  // ascending
  uint64_t next_segment = 1;
  uint64_t last_bytes = 0;  // of the one before it, those that count; see log/segment.h
  uint64_t log_bytes = 0;   // of all
  // Segments that are damaged in the middle: what is whole of them is applied. They are to be
  // quarantined, but only after a flush, since they hold what the head holds.
  std::set<uint64_t> damaged;
  std::map<uint64_t, uint64_t> missing;  // segments: the first, up to and with the last
  // As the replay finds them: of the samples in each segment, and of those that are left out since
  // their series were defined in what is lost.
  std::map<uint64_t, TimeRange> times;
  std::optional<TimeRange> undefined;
};

// Has the other one's times too.
inline void Widen(TimeRange& range, const TimeRange& other) {
  range.oldest_ms = std::min(range.oldest_ms, other.oldest_ms);
  range.newest_ms = std::max(range.newest_ms, other.newest_ms);
}

// Segments before `first` are removed, a torn end is cut; what is missing of those from there up to
// `newest`, which was there once, is reported. An error (other than damage) stops the start and
// names the segment.
absl::StatusOr<LogScan> ScanLog(file::Files& files, const Paths& paths, uint64_t first,
                                uint64_t newest, Writers& writers, Metrics& metrics);

struct ReplayOptions {
  // By shard of the head that wrote the log, which may have had another number of them: the first
  // segment with something that is in no window. Not empty.
  std::vector<uint64_t> checkpoints;
  int64_t oldest_ms = 0;  // samples before are dropped
  size_t threads = 1;     // that apply what is read, at most; not more than there are shards
  // Called now and then with the bytes that were applied; false ends the replay with CANCELLED.
  std::function<bool(uint64_t applied_bytes)> go_on;
};

absl::Status ReplayLog(file::Files& files, const Paths& paths, const ReplayOptions& options,
                       LogScan& scan, head::Head& head, Metrics& metrics);

}  // namespace leadline::collector::store::engine
