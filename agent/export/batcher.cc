#include "agent/export/batcher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "agent/export/batch_encoder.h"
#include "common/id128.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"

namespace leadline::agent {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
constexpr uint32_t kNoRef = std::numeric_limits<uint32_t>::max();
constexpr double kExactIntegers = 1LL << 53;
// Prometheus' staleness marker (model/value/value.go).
const double kStaleNan = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

uint32_t Index(EntityRef ref) { return static_cast<uint32_t>(ref); }
uint32_t Index(SeriesRef ref) { return static_cast<uint32_t>(ref); }

struct SeriesKeyHash {
  using is_transparent = void;
  size_t operator()(const SeriesKey& key) const { return absl::Hash<SeriesKey>{}(key); }
  size_t operator()(const std::shared_ptr<const SeriesKey>& key) const { return (*this)(*key); }
};

struct SeriesKeyEqual {
  using is_transparent = void;
  static const SeriesKey& Get(const SeriesKey& key) { return key; }
  static const SeriesKey& Get(const std::shared_ptr<const SeriesKey>& key) { return *key; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return Get(a) == Get(b);
  }
};

struct EntityState {
  std::shared_ptr<const Entity> entity;  // null: the number is free
  std::vector<SeriesRef> series;
};

struct SeriesState {
  std::shared_ptr<const SeriesKey> key;  // null: the number is free
  int64_t counted_from_ms = 0;
  int64_t still_zero_ms = 0;
  int64_t newest_ms = kNever;
  bool is_histogram = false;
};

template <typename T>
struct Sample {
  uint32_t ref;
  T value;
};

// A histogram of the current frame; its buckets are in Impl::buckets.
struct HistogramSample {
  uint32_t ref;
  HistogramView view;  // without buckets
  size_t first_bucket;
  size_t bucket_count;
};

// A sample outside of the frames: the zero before a series' first value, or the marker after its
// last.
struct EdgeSample {
  int64_t ts_ms;
  uint32_t ref;
  bool is_histogram;
  HistogramView histogram;  // its schema
};

struct ForgottenRefs {
  uint64_t sequence;
  std::vector<EntityRef> entities;
  std::vector<SeriesRef> series;
};

template <typename Samples>
void SortByRef(Samples& samples) {
  const auto by_ref = [](const auto& a, const auto& b) { return a.ref < b.ref; };
  if (!std::is_sorted(samples.begin(), samples.end(), by_ref)) {
    std::sort(samples.begin(), samples.end(), by_ref);
  }
}

bool IsValid(const HistogramView& histogram) {
  if (histogram.schema < -4 || histogram.schema > 8) return false;
  if (!(histogram.zero_threshold >= 0)) return false;
  return std::adjacent_find(histogram.buckets.begin(), histogram.buckets.end(),
                            [](const HistogramBucket& a, const HistogramBucket& b) {
                              return a.index >= b.index;
                            }) == histogram.buckets.end();
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

}  // namespace

struct Batcher::Impl {
  Impl(const BatcherOptions& options, prometheus::Registry& registry)
      : encoder(options.max_batch_bytes),
        refused(registry),
        sealed_samples(prometheus::BuildCounter()
                           .Name("leadline_agent_export_samples_total")
                           .Help("Samples sealed into batches.")
                           .Register(registry)
                           .Add({})),
        live_entities(prometheus::BuildGauge()
                          .Name("leadline_agent_export_entities")
                          .Help("Entities that samples can be about.")
                          .Register(registry)
                          .Add({})),
        live_series(prometheus::BuildGauge()
                        .Name("leadline_agent_export_series")
                        .Help("Series that samples can belong to.")
                        .Register(registry)
                        .Add({})) {}

  SeriesState* Admit(SeriesRef ref, bool is_histogram);
  void NoteFirst(SeriesRef ref, SeriesState& state, const HistogramView& histogram);
  void FlushFrame();
  void FlushEdges(std::vector<EdgeSample>& edges, double value);

  BatchEncoder encoder;
  Refused refused;
  prometheus::Counter& sealed_samples;
  prometheus::Gauge& live_entities;
  prometheus::Gauge& live_series;

  std::vector<EntityState> entities;
  std::vector<SeriesState> series;
  absl::flat_hash_map<Id128, EntityRef> entity_refs;
  absl::flat_hash_map<std::shared_ptr<const SeriesKey>, SeriesRef, SeriesKeyHash, SeriesKeyEqual>
      series_refs;
  std::vector<EntityRef> free_entities;
  std::vector<SeriesRef> free_series;
  std::deque<ForgottenRefs> forgotten;  // by sequence

  DefinitionChanges changes;
  int64_t frame_ms = kNever;
  std::vector<Sample<int64_t>> integers;
  std::vector<Sample<double>> doubles;
  std::vector<HistogramSample> histograms;
  std::vector<HistogramBucket> buckets;
  std::vector<EdgeSample> zeros;
  std::vector<EdgeSample> markers;
};

SeriesState* Batcher::Impl::Admit(SeriesRef ref, bool is_histogram) {
  prometheus::Counter* reason = nullptr;
  SeriesState* state = nullptr;
  if (frame_ms == kNever) {
    reason = &refused.no_frame;
  } else if (Index(ref) >= series.size() || series[Index(ref)].key == nullptr) {
    reason = &refused.unknown_series;
  } else {
    state = &series[Index(ref)];
    if (state->newest_ms >= frame_ms) {
      reason = &refused.not_newer;
    } else if (state->is_histogram != is_histogram) {
      reason = &refused.wrong_type;
    }
  }
  if (reason != nullptr) {
    reason->Increment();
    return nullptr;
  }
  return state;
}

void Batcher::Impl::NoteFirst(SeriesRef ref, SeriesState& state, const HistogramView& histogram) {
  if (state.newest_ms == kNever) {
    HistogramView zero;
    zero.schema = histogram.schema;
    zero.zero_threshold = histogram.zero_threshold;
    int64_t before_ms = 0;
    for (const int64_t zero_ms : {state.counted_from_ms, state.still_zero_ms}) {
      if (zero_ms <= before_ms || zero_ms >= frame_ms) continue;
      zeros.push_back({zero_ms, Index(ref), state.is_histogram, zero});
      before_ms = zero_ms;
    }
  }
  state.newest_ms = frame_ms;
}

void Batcher::Impl::FlushEdges(std::vector<EdgeSample>& edges, double value) {
  std::sort(edges.begin(), edges.end(), [](const EdgeSample& a, const EdgeSample& b) {
    return std::pair(a.ts_ms, a.ref) < std::pair(b.ts_ms, b.ref);
  });
  int64_t ts_ms = kNever;
  for (EdgeSample& edge : edges) {
    if (edge.ts_ms != ts_ms) encoder.BeginFrame(ts_ms = edge.ts_ms);
    if (edge.is_histogram) {
      edge.histogram.sum = value;
      encoder.Histogram(edge.ref, edge.histogram);
    } else if (value == 0) {
      encoder.Integer(edge.ref, 0);
    } else {
      encoder.Double(edge.ref, value);
    }
  }
  edges.clear();
}

void Batcher::Impl::FlushFrame() {
  FlushEdges(zeros, 0);
  if (frame_ms == kNever) return;
  encoder.BeginFrame(frame_ms);
  SortByRef(integers);
  SortByRef(doubles);
  SortByRef(histograms);
  for (const auto& sample : integers) encoder.Integer(sample.ref, sample.value);
  for (const auto& sample : doubles) encoder.Double(sample.ref, sample.value);
  for (HistogramSample& sample : histograms) {
    sample.view.buckets =
        absl::MakeConstSpan(buckets).subspan(sample.first_bucket, sample.bucket_count);
    encoder.Histogram(sample.ref, sample.view);
  }
  integers.clear();
  doubles.clear();
  histograms.clear();
  buckets.clear();
  frame_ms = kNever;
}

Batcher::Batcher(const BatcherOptions& options, prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(options, registry)) {}

Batcher::~Batcher() = default;

EntityRef Batcher::DefineEntity(const Entity& entity) {
  Impl& s = *impl_;
  auto known = s.entity_refs.find(entity.id);
  if (known != s.entity_refs.end() && *s.entities[Index(known->second)].entity == entity) {
    return known->second;
  }
  EntityRef ref;
  if (known != s.entity_refs.end()) {
    ref = known->second;
  } else if (!s.free_entities.empty()) {
    ref = s.free_entities.back();
    s.free_entities.pop_back();
  } else {
    ref = EntityRef(s.entities.size());
    s.entities.emplace_back();
  }
  EntityState& state = s.entities[Index(ref)];
  state.entity = std::make_shared<const Entity>(entity);
  s.entity_refs.insert_or_assign(entity.id, ref);
  s.changes.entities.push_back({ref, state.entity});
  return ref;
}

SeriesRef Batcher::DefineSeries(catalogue::Metric metric, EntityRef entity,
                                const LabelSet& residual, int64_t counted_from_ms,
                                int64_t still_zero_ms) {
  Impl& s = *impl_;
  if (Index(entity) >= s.entities.size() || s.entities[Index(entity)].entity == nullptr) {
    return SeriesRef(kNoRef);
  }
  SeriesKey key{metric, entity, residual};
  if (auto known = s.series_refs.find(key); known != s.series_refs.end()) return known->second;
  SeriesRef ref;
  if (!s.free_series.empty()) {
    ref = s.free_series.back();
    s.free_series.pop_back();
  } else {
    ref = SeriesRef(s.series.size());
    s.series.emplace_back();
  }
  SeriesState& state = s.series[Index(ref)];
  state.key = std::make_shared<const SeriesKey>(std::move(key));
  const catalogue::MetricType type = catalogue::Info(metric).type;
  state.is_histogram = type == catalogue::MetricType::kHistogram;
  const bool counts = type != catalogue::MetricType::kGauge;
  state.counted_from_ms = counts ? counted_from_ms : 0;
  state.still_zero_ms = counts ? still_zero_ms : 0;
  state.newest_ms = kNever;
  s.series_refs.emplace(state.key, ref);
  s.entities[Index(entity)].series.push_back(ref);
  s.changes.series.push_back({ref, state.key});
  return ref;
}

void Batcher::BeginFrame(int64_t ts_ms) {
  if (ts_ms == impl_->frame_ms) return;
  impl_->FlushFrame();
  impl_->frame_ms = ts_ms;
}

bool Batcher::Add(SeriesRef series, int64_t value) {
  SeriesState* state = impl_->Admit(series, /*is_histogram=*/false);
  if (state == nullptr) return false;
  impl_->NoteFirst(series, *state, {});
  impl_->integers.push_back({Index(series), value});
  return true;
}

bool Batcher::Add(SeriesRef series, uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Add(series, static_cast<double>(value));
  }
  return Add(series, static_cast<int64_t>(value));
}

bool Batcher::Add(SeriesRef series, double value) {
  // Whole numbers are shorter as integers; -0 is not one.
  if (std::fabs(value) <= kExactIntegers && value == std::trunc(value) &&
      !(value == 0 && std::signbit(value))) {
    return Add(series, static_cast<int64_t>(value));
  }
  SeriesState* state = impl_->Admit(series, /*is_histogram=*/false);
  if (state == nullptr) return false;
  impl_->NoteFirst(series, *state, {});
  impl_->doubles.push_back({Index(series), value});
  return true;
}

bool Batcher::AddHistogram(SeriesRef series, const HistogramView& histogram) {
  if (!IsValid(histogram)) {
    impl_->refused.invalid_histogram.Increment();
    return false;
  }
  SeriesState* state = impl_->Admit(series, /*is_histogram=*/true);
  if (state == nullptr) return false;
  impl_->NoteFirst(series, *state, histogram);
  impl_->histograms.push_back(
      {Index(series), histogram, impl_->buckets.size(), histogram.buckets.size()});
  impl_->buckets.insert(impl_->buckets.end(), histogram.buckets.begin(), histogram.buckets.end());
  return true;
}

int64_t Batcher::EndFrameMs(EntityRef entity) const {
  const Impl& s = *impl_;
  if (Index(entity) >= s.entities.size() || s.entities[Index(entity)].entity == nullptr) return 0;
  const EntityState& state = s.entities[Index(entity)];
  int64_t ts_ms = state.entity->end_ms;
  for (SeriesRef ref : state.series) {
    const int64_t newest_ms = s.series[Index(ref)].newest_ms;
    if (newest_ms != kNever) ts_ms = std::max(ts_ms, newest_ms + 1);
  }
  return ts_ms;
}

void Batcher::Forget(EntityRef entity) {
  Impl& s = *impl_;
  if (Index(entity) >= s.entities.size() || s.entities[Index(entity)].entity == nullptr) return;
  EntityState& state = s.entities[Index(entity)];
  const int64_t end_ms = state.entity->end_ms;
  for (SeriesRef ref : state.series) {
    SeriesState& series = s.series[Index(ref)];
    if (end_ms != 0 && series.newest_ms != kNever) {
      s.markers.push_back(
          {std::max(end_ms, series.newest_ms) + 1, Index(ref), series.is_histogram, {}});
    }
    s.series_refs.erase(series.key);
    series.key = nullptr;
    s.changes.forgotten_series.push_back(ref);
  }
  s.entity_refs.erase(state.entity->id);
  state = EntityState{};
  s.changes.forgotten_entities.push_back(entity);
}

std::vector<SealedBatch> Batcher::Seal() {
  Impl& s = *impl_;
  s.FlushFrame();
  s.FlushEdges(s.markers, kStaleNan);
  std::vector<SealedBatch> batches = s.encoder.Finish(/*at_least_one=*/!s.changes.empty());
  if (batches.empty()) return batches;

  // Definitions come before everything that may use them, forgetting after it.
  DefinitionChanges changes = std::exchange(s.changes, {});
  SealedBatch& last = batches.back();
  if (!changes.forgotten_entities.empty()) {
    s.forgotten.push_back({last.sequence, changes.forgotten_entities, changes.forgotten_series});
  }
  last.changes.forgotten_entities = std::move(changes.forgotten_entities);
  last.changes.forgotten_series = std::move(changes.forgotten_series);
  batches.front().changes.entities = std::move(changes.entities);
  batches.front().changes.series = std::move(changes.series);
  for (const SealedBatch& batch : batches) {
    s.sealed_samples.Increment(static_cast<double>(batch.samples));
  }
  s.live_entities.Set(static_cast<double>(s.entity_refs.size()));
  s.live_series.Set(static_cast<double>(s.series_refs.size()));
  return batches;
}

void Batcher::Acknowledged(uint64_t sequence) {
  Impl& s = *impl_;
  while (!s.forgotten.empty() && s.forgotten.front().sequence <= sequence) {
    const ForgottenRefs& refs = s.forgotten.front();
    s.free_entities.insert(s.free_entities.end(), refs.entities.begin(), refs.entities.end());
    s.free_series.insert(s.free_series.end(), refs.series.begin(), refs.series.end());
    s.forgotten.pop_front();
  }
}

}  // namespace leadline::agent
