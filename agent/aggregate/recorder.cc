#include "agent/aggregate/recorder.h"

namespace leadline::agent::aggregate {

void Recorder::AddHistogram(SeriesSlot& slot, catalogue::Metric metric, const Subject& subject,
                            const HistogramView& histogram, const LabelSet& residual) {
  Define(slot, metric, subject, residual);
  batcher_.AddHistogram(*slot.ref, histogram);
}

void Recorder::Define(SeriesSlot& slot, catalogue::Metric metric, const Subject& subject,
                      const LabelSet& residual) {
  if (!slot.ref) {
    slot.ref = batcher_.DefineSeries(metric, subject.entity, residual, subject.counted_from_ms,
                                     subject.still_zero_ms);
  }
  batcher_.BeginFrame(subject.ts_ms);
}

}  // namespace leadline::agent::aggregate
