// Reads the log into an empty head after a start.
#pragma once

#include <cstdint>
#include <functional>
#include <set>

#include "absl/status/statusor.h"

#include "collector/store/engine/metrics.h"
#include "collector/store/engine/paths.h"
#include "collector/store/engine/writers.h"
#include "collector/store/file/files.h"
#include "collector/store/head/head.h"

namespace leadline::collector::store::engine {

struct Recovered {
  uint64_t next_segment = 1;
  uint64_t log_bytes = 0;  // that were read
  // Segments that are damaged in the middle: what is whole of them is in the head. They are to be
  // quarantined, but only after a flush, since they hold what the head holds.
  std::set<uint64_t> damaged;
};

// Segments before `checkpoint` are removed, a torn end is cut. An error (other than damage) stops
// the start and names the segment.
absl::StatusOr<Recovered> RecoverLog(file::Files& files, const Paths& paths, uint64_t checkpoint,
                                     int64_t oldest_ms, head::Head& head, Writers& writers,
                                     Metrics& metrics);

}  // namespace leadline::collector::store::engine
