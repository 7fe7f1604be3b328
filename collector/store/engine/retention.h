// What retention goes by: room, and time.
//
// Threading: RetentionTime may be asked from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "absl/base/thread_annotations.h"

#include "common/clock.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

// The time before which windows are to be dropped, so that those that are left take at most
// `most_bytes`; a window at a time, the one that ends first, never the one that ends last. `sizes`:
// bytes of windows by their last millisecond. chunk::kBeforeAllTime when nothing is to be dropped.
int64_t KeptFromBySize(const std::map<int64_t, uint64_t>& sizes, uint64_t most_bytes);

// The clock's time, but a clock that is set ahead while we run is followed a day later only: as
// soon as somebody writes by it, everything else would be older than what is kept, and gone.
class RetentionTime {
 public:
  explicit RetentionTime(const Clock& clock);
  int64_t NowMs() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const Clock& clock_;
  Mutex mutex_;
  int64_t since_mono_ms_ ABSL_GUARDED_BY(mutex_);  // from the monotonic clock to what is followed
  std::optional<int64_t> jumped_mono_ms_ ABSL_GUARDED_BY(mutex_);  // when it was set ahead
};

}  // namespace leadline::collector::store::engine
