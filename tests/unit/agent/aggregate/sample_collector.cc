#include "tests/unit/agent/aggregate/sample_collector.h"

#include <algorithm>

#include <fmt/format.h>

#include "catalogue/metrics.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent::aggregate {

template <typename Value>
std::string SampleCollector::Text(uint32_t series, Value value, int64_t ts_ms) const {
  const SeriesKey& key = *series_.at(series);
  const auto entity = entities_.find(key.entity);
  LabelSet labels;
  if (entity != entities_.end() && entity->second->kind == EntityKind::kEdge) {
    labels = entity->second->labels;
  }
  for (const Label& label : key.residual) labels.Set(label.name, label.value);
  return fmt::format("{}{} {} @{}", catalogue::Info(key.metric).name,
                     labels.empty() ? "" : labels.ToString(), value, ts_ms);
}

std::vector<std::string> SampleCollector::Take() {
  std::vector<std::string> samples;
  for (const SealedBatch& sealed : batcher_.Seal()) {
    for (const EntityDefinition& definition : sealed.changes.entities) {
      entities_[definition.ref] = definition.entity;
    }
    for (const SeriesDefinition& definition : sealed.changes.series) {
      series_[static_cast<uint32_t>(definition.ref)] = definition.key;
    }
    v1::Batch batch;
    if (!batch.ParseFromString(sealed.wire)) return {"the batch does not parse"};
    for (const v1::Frame& frame : batch.frames()) {
      uint32_t ref = 0;
      for (int i = 0; i < frame.integer_series_size(); ++i) {
        ref += frame.integer_series(i);
        samples.push_back(Text(ref, frame.integers(i), frame.timestamp_unix_ms()));
      }
      ref = 0;
      for (int i = 0; i < frame.double_series_size(); ++i) {
        ref += frame.double_series(i);
        samples.push_back(Text(ref, frame.doubles(i), frame.timestamp_unix_ms()));
      }
      const v1::HistogramColumns& histograms = frame.histograms();
      ref = 0;
      int bucket = 0;
      for (int i = 0; i < histograms.series_size(); ++i) {
        ref += histograms.series(i);
        uint64_t count = 0;
        for (uint32_t n = 0; n < histograms.bucket_count(i); ++n) {
          count += histograms.bucket_value(bucket++);
        }
        samples.push_back(Text(ref, count, frame.timestamp_unix_ms()));
      }
    }
  }
  std::sort(samples.begin(), samples.end());
  return samples;
}

}  // namespace leadline::agent::aggregate
