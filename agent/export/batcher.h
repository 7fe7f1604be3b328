// Gathers the samples of an interval and seals them into batches of leadline.v1.
//
//   const EntityRef pod = batcher.DefineEntity(entity);
//   const SeriesRef reads =
//       batcher.DefineSeries(Metric::kContainerSyscalls, pod, labels, start_ms);
//   batcher.BeginFrame(now_ms);
//   batcher.Add(reads, uint64_t{17});
//   sender->Submit(batcher.Seal());
//
// When an entity has ended: define it once more with its end_ms set, add its last values in a frame
// of EndFrameMs(), then Forget it.
//
// Units: times are milliseconds since the Unix epoch. Bounds: a batch is at most max_batch_bytes on
// the wire, unless a single histogram is larger; what does not fit goes into further batches.
// Adding samples allocates nothing once the buffers have grown to the size of an interval. Errors:
// none; a sample that cannot be taken is refused and counted by reason in
// leadline_agent_export_samples_refused_total.
// Threading: one thread at a time. Ownership: copies everything that it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "agent/export/definitions.h"
#include "agent/export/histogram.h"
#include "agent/export/sealed_batch.h"
#include "agent/model/entity.h"
#include "catalogue/metrics.h"
#include "common/labels.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct BatcherOptions {
  size_t max_batch_bytes = 1 << 20;
};

class Batcher {
 public:
  Batcher(const BatcherOptions& options, prometheus::Registry& registry);
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  // The same ref for the same id until it is forgotten. A change of the entity is a new version of
  // it; an equal one costs a comparison.
  EntityRef DefineEntity(const Entity& entity);

  // The same ref for the same series until its entity is forgotten. Keep the ref: this is a look-up
  // with the labels' cost. `counted_from_ms`, for counters and histograms: when counting began; a
  // zero sample of that time precedes the series' first sample. `still_zero_ms`: a later time at
  // which nothing had been counted yet, which gets a zero too, so that a rate over the last minute
  // sees the first calls of an old container. 0: not known, no such sample.
  SeriesRef DefineSeries(catalogue::Metric metric, EntityRef entity, const LabelSet& residual,
                         int64_t counted_from_ms = 0, int64_t still_zero_ms = 0);

  // The samples that follow have this time.
  void BeginFrame(int64_t ts_ms);

  // A sample in the current frame. False, and counted, when the series has a sample at that time or
  // later already, or the ref is not in use. Integers are exact up to 2^53.
  bool Add(SeriesRef series, int64_t value);
  bool Add(SeriesRef series, uint64_t value);
  bool Add(SeriesRef series, double value);
  bool AddHistogram(SeriesRef series, const HistogramView& histogram);

  // The time for an ended entity's last samples: its end_ms, or just after its newest sample where
  // that is later.
  int64_t EndFrameMs(EntityRef entity) const;

  // No more samples of it. Where the entity's end_ms is known each of its series gets a staleness
  // marker, one millisecond after its end or its last sample, whichever is later.
  void Forget(EntityRef entity);

  // Everything since the last call; empty when there is nothing. The samples of one frame may be
  // spread over several batches.
  std::vector<SealedBatch> Seal();

  // Every batch up to this one is durable at the collector, so what was forgotten in them may give
  // its numbers to others. Call it with Sender::acknowledged_sequence() before each interval.
  void Acknowledged(uint64_t sequence);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::agent
