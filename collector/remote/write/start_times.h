// Since when the counters that others write count: where one began or was reset and no value tells
// it, a zero stands in for what was never sampled.
//
// A series whose first start timestamp is shortly before its first sample gets a zero there. One
// whose start timestamp moves on gets one there too, if that is later than its newest sample: the
// counter was reset, though its value may not have fallen. A start timestamp that goes back, or is
// not later than a sample of the time before it (clocks differ), says nothing.
//
// Remembered are series that send start timestamps, in memory, bounded as SeriesCache is. After a
// restart a series is seen for the first time again, and gets the same zero. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "collector/remote/write/request.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::remote::write {

class StartTimes {
 public:
  struct State {
    int64_t start_ms = 0;   // 0: none was seen yet
    int64_t newest_ms = 0;  // of its samples
  };
  // What is known of series once a request is durable.
  using Seen = std::vector<std::pair<store::SeriesHandle, State>>;

  explicit StartTimes(size_t max_series) : max_series_(max_series) {}

  // A counter that is new here. Of others start timestamps say nothing.
  void Add(store::SeriesHandle handle) ABSL_LOCKS_EXCLUDED(mutex_);

  // Says in the request where zeros are to be. What it gives is for Keep, once the request is
  // durable: one that comes again gets the same zeros.
  Seen Look(Request& request, absl::Span<const store::SeriesHandle> handles)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Keep(const Seen& seen) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets all, for when the store has forgotten some.
  void Clear() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Generation = absl::flat_hash_map<store::SeriesHandle, State>;

  // nullptr for what is no counter.
  State* Find(store::SeriesHandle handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  State& AddYoung(store::SeriesHandle handle, const State& state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_series_;
  Mutex mutex_;
  Generation young_ ABSL_GUARDED_BY(mutex_);
  Generation old_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::remote::write
