#include "agent/export/batcher.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "agent/export/batch_encoder.h"
#include "agent/export/frame_buffer.h"
#include "agent/export/ref_table.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"

namespace leadline::agent {
namespace {

using SeriesState = RefTable::SeriesState;

constexpr double kExactIntegers = 1LL << 53;

bool IsValid(const HistogramView& histogram) {
  if (histogram.schema < -4 || histogram.schema > 8) return false;
  if (!(histogram.zero_threshold >= 0)) return false;
  return std::adjacent_find(histogram.buckets.begin(), histogram.buckets.end(),
                            [](const HistogramBucket& a, const HistogramBucket& b) {
                              return a.index >= b.index;
                            }) == histogram.buckets.end();
}

// Whole numbers are shorter as integers; -0 is not one.
bool IsWhole(double value) {
  return std::fabs(value) <= kExactIntegers && value == std::trunc(value) &&
         !(value == 0 && std::signbit(value));
}

struct Refused {
  explicit Refused(prometheus::Registry& registry)
      : family(prometheus::BuildCounter()
                   .Name("leadline_agent_export_samples_refused_total")
                   .Help("Samples that the batcher could not take, by reason.")
                   .Register(registry)),
        no_frame(family.Add({{"reason", "no_frame"}})),
        unknown_series(family.Add({{"reason", "unknown_series"}})),
        not_newer(family.Add({{"reason", "not_newer"}})),
        wrong_type(family.Add({{"reason", "wrong_type"}})),
        invalid_histogram(family.Add({{"reason", "invalid_histogram"}})) {}

  prometheus::Family<prometheus::Counter>& family;
  prometheus::Counter& no_frame;
  prometheus::Counter& unknown_series;
  prometheus::Counter& not_newer;
  prometheus::Counter& wrong_type;
  prometheus::Counter& invalid_histogram;
};

struct BatchMetrics {
  explicit BatchMetrics(prometheus::Registry& registry)
      : refused(registry),
        samples(prometheus::BuildCounter()
                    .Name("leadline_agent_export_samples_total")
                    .Help("Samples sealed into batches.")
                    .Register(registry)
                    .Add({})),
        entities(prometheus::BuildGauge()
                     .Name("leadline_agent_export_entities")
                     .Help("Entities that samples can be about.")
                     .Register(registry)
                     .Add({})),
        series(prometheus::BuildGauge()
                   .Name("leadline_agent_export_series")
                   .Help("Series that samples can belong to.")
                   .Register(registry)
                   .Add({})) {}

  Refused refused;
  prometheus::Counter& samples;
  prometheus::Gauge& entities;
  prometheus::Gauge& series;
};

}  // namespace

struct Batcher::Impl {
  Impl(const BatcherOptions& options, prometheus::Registry& registry)
      : metrics(registry), encoder(options.max_batch_bytes), frame(encoder) {}

  // The series, to which a sample of the current frame may be added; nullptr, and counted, if not.
  SeriesState* Admit(SeriesRef ref, bool is_histogram);
  // Calls `add_zero` with the times of the zeros before a series' first sample.
  template <typename AddZero>
  void NoteSample(SeriesState& state, AddZero add_zero);

  BatchMetrics metrics;
  BatchEncoder encoder;
  FrameBuffer frame;
  RefTable refs;
};

SeriesState* Batcher::Impl::Admit(SeriesRef ref, bool is_histogram) {
  const auto refuse = [](prometheus::Counter& reason) -> SeriesState* {
    reason.Increment();
    return nullptr;
  };
  const Refused& refused = metrics.refused;
  if (frame.frame_ms() == FrameBuffer::kNoFrame) return refuse(refused.no_frame);
  SeriesState* state = refs.Find(ref);
  if (state == nullptr) return refuse(refused.unknown_series);
  if (state->newest_ms >= frame.frame_ms()) return refuse(refused.not_newer);
  if (state->is_histogram != is_histogram) return refuse(refused.wrong_type);
  return state;
}

template <typename AddZero>
void Batcher::Impl::NoteSample(SeriesState& state, AddZero add_zero) {
  if (state.newest_ms == RefTable::kNoSample) {
    int64_t before_ms = 0;
    for (const int64_t zero_ms : {state.counted_from_ms, state.still_zero_ms}) {
      if (zero_ms <= before_ms || zero_ms >= frame.frame_ms()) continue;
      add_zero(zero_ms);
      before_ms = zero_ms;
    }
  }
  state.newest_ms = frame.frame_ms();
}

Batcher::Batcher(const BatcherOptions& options, prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(options, registry)) {}

Batcher::~Batcher() = default;

EntityRef Batcher::DefineEntity(const Entity& entity) { return impl_->refs.DefineEntity(entity); }

SeriesRef Batcher::DefineSeries(catalogue::Metric metric, EntityRef entity,
                                const LabelSet& residual, int64_t counted_from_ms,
                                int64_t still_zero_ms) {
  return impl_->refs.DefineSeries(metric, entity, residual, counted_from_ms, still_zero_ms);
}

void Batcher::BeginFrame(int64_t ts_ms) { impl_->frame.BeginFrame(ts_ms); }

bool Batcher::Add(SeriesRef series, int64_t value) {
  Impl& s = *impl_;
  SeriesState* state = s.Admit(series, /*is_histogram=*/false);
  if (state == nullptr) return false;
  s.NoteSample(*state, [&](int64_t zero_ms) { s.frame.Zero(zero_ms, series); });
  s.frame.Integer(series, value);
  return true;
}

bool Batcher::Add(SeriesRef series, uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Add(series, static_cast<double>(value));
  }
  return Add(series, static_cast<int64_t>(value));
}

bool Batcher::Add(SeriesRef series, double value) {
  if (IsWhole(value)) return Add(series, static_cast<int64_t>(value));
  Impl& s = *impl_;
  SeriesState* state = s.Admit(series, /*is_histogram=*/false);
  if (state == nullptr) return false;
  s.NoteSample(*state, [&](int64_t zero_ms) { s.frame.Zero(zero_ms, series); });
  s.frame.Double(series, value);
  return true;
}

bool Batcher::AddHistogram(SeriesRef series, const HistogramView& histogram) {
  Impl& s = *impl_;
  if (!IsValid(histogram)) {
    s.metrics.refused.invalid_histogram.Increment();
    return false;
  }
  SeriesState* state = s.Admit(series, /*is_histogram=*/true);
  if (state == nullptr) return false;
  s.NoteSample(*state, [&](int64_t zero_ms) { s.frame.ZeroHistogram(zero_ms, series, histogram); });
  s.frame.Histogram(series, histogram);
  return true;
}

int64_t Batcher::EndFrameMs(EntityRef entity) const {
  const RefTable& refs = impl_->refs;
  const RefTable::EntityState* state = refs.Find(entity);
  if (state == nullptr) return 0;
  int64_t ts_ms = state->entity->end_ms;
  for (SeriesRef ref : state->series) {
    const int64_t newest_ms = refs.Find(ref)->newest_ms;
    if (newest_ms != RefTable::kNoSample) ts_ms = std::max(ts_ms, newest_ms + 1);
  }
  return ts_ms;
}

void Batcher::Forget(EntityRef entity) {
  Impl& s = *impl_;
  const RefTable::EntityState* state = s.refs.Find(entity);
  if (state == nullptr) return;
  const int64_t end_ms = state->entity->end_ms;
  for (SeriesRef ref : state->series) {
    const SeriesState& series = *s.refs.Find(ref);
    if (end_ms != 0 && series.newest_ms != RefTable::kNoSample) {
      s.frame.StalenessMarker(std::max(end_ms, series.newest_ms) + 1, ref, series.is_histogram);
    }
  }
  s.refs.Forget(entity);
}

std::vector<SealedBatch> Batcher::Seal() {
  Impl& s = *impl_;
  s.frame.Flush();
  std::vector<SealedBatch> batches = s.encoder.Finish(/*at_least_one=*/s.refs.HasChanges());
  if (batches.empty()) return batches;

  // Definitions come before everything that may use them, forgetting after it.
  DefinitionChanges changes = s.refs.TakeChanges();
  SealedBatch& last = batches.back();
  s.refs.LastUsed(last.sequence, changes);
  last.changes.forgotten_entities = std::move(changes.forgotten_entities);
  last.changes.forgotten_series = std::move(changes.forgotten_series);
  batches.front().changes.entities = std::move(changes.entities);
  batches.front().changes.series = std::move(changes.series);
  for (const SealedBatch& batch : batches) {
    s.metrics.samples.Increment(static_cast<double>(batch.samples));
  }
  s.metrics.entities.Set(static_cast<double>(s.refs.entities()));
  s.metrics.series.Set(static_cast<double>(s.refs.series()));
  return batches;
}

void Batcher::Acknowledged(uint64_t sequence) { impl_->refs.Acknowledged(sequence); }

}  // namespace leadline::agent
