// Adds samples to series that are defined at their first sample.
//
// Times are milliseconds since the Unix epoch. Not thread-safe. The batcher must outlive it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "agent/export/batcher.h"
#include "catalogue/metrics.h"
#include "common/labels.h"

namespace leadline::agent::aggregate {

// Where a caller keeps a series' number from one interval to the next. One series each.
struct SeriesSlot {
  std::optional<SeriesRef> ref;
};

// What a sample is about, and when.
struct Subject {
  EntityRef entity;
  const Entity* owner = nullptr;  // the entity as it is told now, for what has edges of its own
  int64_t counted_from_ms = 0;    // when the entity's counters were 0
  // A later time at which a counter that has no series yet was still 0; 0 where that is not known.
  int64_t still_zero_ms = 0;
  int64_t ts_ms = 0;  // of the sample; before the interval's end for an entity that has ended
};

class Recorder {
 public:
  explicit Recorder(Batcher& batcher) : batcher_(batcher) {}

  // `residual` is looked at for the slot's first sample only.
  template <typename Value>
  requires std::integral<Value> || std::floating_point<Value>
  void Add(SeriesSlot& slot, catalogue::Metric metric, const Subject& subject, Value value,
           const LabelSet& residual = {}) {
    Define(slot, metric, subject, residual);
    batcher_.Add(*slot.ref, value);
  }

  void AddHistogram(SeriesSlot& slot, catalogue::Metric metric, const Subject& subject,
                    const HistogramView& histogram, const LabelSet& residual = {});

 private:
  // Defines the series at its first sample and goes to the frame of the subject's time.
  void Define(SeriesSlot& slot, catalogue::Metric metric, const Subject& subject,
              const LabelSet& residual);

  Batcher& batcher_;
};

}  // namespace leadline::agent::aggregate
