#include "collector/remote/send/log_reader.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/remote/encode/series.h"
#include "collector/remote/wire/writer.h"
#include "common/status_macros.h"

namespace leadline::collector::remote::send {
namespace {

constexpr size_t kReadBytes = 256 << 10;  // some 20,000 samples
constexpr size_t kMaxMessages = 4;        // at a time, and a read more
constexpr size_t kMaxEntities = 1 << 20;  // in memory; the store knows them all
constexpr uint32_t kRequestSeries = 1;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesHistograms = 4;

}  // namespace

absl::StatusOr<Outgoing> LogReader::Next() {
  Outgoing out;
  while (true) {
    LL_ASSIGN_OR_RETURN(const bool there, EnterSegment());
    if (!there) break;
    LL_ASSIGN_OR_RETURN(const uint64_t end,
                        ReadFrames(position_.segment, position_.offset, UINT64_MAX, &out));
    const bool progress = end != position_.offset;
    position_.offset = end;
    if (out.messages.size() >= kMaxMessages) break;
    if (progress) continue;
    // All that is whole is read. A segment with one behind it has its end there.
    LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, segments_.Numbers());
    const auto next = std::upper_bound(numbers.begin(), numbers.end(), position_.segment);
    if (next == numbers.end()) {
      // What comes from here on the store itself can read from its own segments alone.
      LL_ASSIGN_OR_RETURN(position_.base, segments_.OldestOfStore(position_.segment));
      break;
    }
    // The next one may have begun after the last look: what came before is there now.
    LL_ASSIGN_OR_RETURN(const uint64_t last,
                        ReadFrames(position_.segment, position_.offset, UINT64_MAX, &out));
    if (last != position_.offset) {
      position_.offset = last;
      continue;
    }
    if (*next != position_.segment + 1) counts_.missing_segments += *next - position_.segment - 1;
    position_ = {position_.base, *next, 0};
    entered_ = false;
  }
  out.end = position_;
  return out;
}

absl::StatusOr<bool> LogReader::EnterSegment() {
  if (entered_) return true;
  LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> numbers, segments_.Numbers());
  const auto at = std::lower_bound(numbers.begin(), numbers.end(), position_.segment);
  if (at == numbers.end()) return false;
  if (*at != position_.segment) {
    if (position_.segment != 0) counts_.missing_segments += *at - position_.segment;
    position_ = {position_.base, *at, 0};
  }
  if (!caught_up_) LL_RETURN_IF_ERROR(CatchUp(numbers));
  caught_up_ = true;
  unknown_.clear();
  entered_ = true;
  return true;
}

absl::Status LogReader::CatchUp(const std::vector<uint64_t>& numbers) {
  for (const uint64_t segment : numbers) {
    if (segment < position_.base || segment > position_.segment) continue;
    const uint64_t until = segment == position_.segment ? position_.offset : UINT64_MAX;
    for (uint64_t offset = 0; offset < until;) {
      LL_ASSIGN_OR_RETURN(const uint64_t end, ReadFrames(segment, offset, until, nullptr));
      if (end == offset) break;
      offset = end;
    }
  }
  return absl::OkStatus();
}

// Whole frames between; `out` null: only what they define. Gives where the last one ends.
absl::StatusOr<uint64_t> LogReader::ReadFrames(uint64_t segment, uint64_t offset, uint64_t until,
                                               Outgoing* out) {
  using namespace store::log;
  std::string header;
  AppendSegmentHeader(segment, SegmentEnd::kUnknownBytes, header);
  const uint64_t begin = std::max<uint64_t>(offset, header.size());
  for (size_t size = kReadBytes;; size *= 2) {
    const uint64_t wanted = std::min<uint64_t>(size, until - std::min(until, begin));
    if (wanted == 0) return begin;
    LL_ASSIGN_OR_RETURN(const std::string bytes, segments_.Read(segment, begin, wanted));
    if (bytes.empty()) return offset;
    const std::string name = SegmentName(segment);
    // Frames are read from a header on. What is cut off at the end is torn, or not all there yet.
    LL_ASSIGN_OR_RETURN(const SegmentEnd end,
                        ReadSegment(header + bytes, name, segment, /*is_last=*/true,
                                    [&](const Frame& frame) { return Apply(frame, out); }));
    counts_.damage += end.damage.size();
    for (const absl::Status& damage : end.damage) {
      spdlog::warn("remote write passes over damage: {}", std::string(damage.message()));
    }
    const uint64_t read = end.good_bytes - header.size();
    // A frame that is longer than what was read: more of it.
    if (read == 0 && bytes.size() == wanted && wanted < until - begin && size < kMaxFrameBytes) {
      continue;
    }
    return read == 0 ? offset : begin + read;
  }
}

absl::Status LogReader::Apply(const store::log::Frame& frame, Outgoing* out) {
  if (frame.run != run_) {
    run_ = frame.run;
    series_.clear();
  }
  std::vector<store::log::Record> records;
  LL_RETURN_IF_ERROR(store::log::ReadRecords(frame.payload, records));
  for (store::log::Record& record : records) {
    if (auto* const defined = std::get_if<store::log::SeriesRecord>(&record)) {
      if (defined->tenant != tenant_) continue;
      for (auto& row : defined->rows) series_[row.handle] = {std::move(row.definition), "", 0};
    } else if (const auto* const batch = std::get_if<store::log::BatchRecord>(&record)) {
      if (batch->tenant != tenant_) continue;
      AddEntities(batch->batch.entities);
      if (out != nullptr) AddBatch(*batch, *out);
    } else if (const auto* const living = std::get_if<store::log::EntitiesRecord>(&record)) {
      if (living->tenant == tenant_) AddEntities(living->versions);
    }
  }
  return absl::OkStatus();
}

void LogReader::AddBatch(const store::log::BatchRecord& record, Outgoing& out) {
  std::vector<Series*> series(record.batch.series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    const auto known = series_.find(record.batch.series[i]);
    series[i] = known == series_.end() ? nullptr : &known->second;
  }
  std::string one;
  bool begins_part = true;
  const auto add = [&](Series* of, int64_t ts_ms, auto append) {
    if (of == nullptr) {
      ++counts_.undefined_series;
      return;
    }
    const std::string* const labels = LabelsOf(*of, ts_ms);
    if (labels == nullptr) {
      ++counts_.unknown_entity;
      return;
    }
    if (out.messages.empty() || out.messages.back().samples == kMaxSamplesPerMessage) {
      out.messages.emplace_back();
      begins_part = true;
    }
    Message& message = out.messages.back();
    if (begins_part) message.parts.push_back({message.bytes.size(), message.samples});
    begins_part = false;
    one = *labels;
    append(one);
    wire::AppendBytes(kRequestSeries, one, message.bytes);
    ++message.samples;
    message.newest_ms = std::max(message.newest_ms, ts_ms);
  };
  for (const store::FloatFrame& frame : record.batch.floats) {
    begins_part = true;
    for (size_t i = 0; i < frame.series.size(); ++i) {
      add(series[frame.series[i]], frame.ts_ms, [&](std::string& to) {
        encode::AppendSample(kSeriesSamples, frame.ts_ms, frame.values[i], to);
      });
    }
  }
  for (const store::HistogramFrame& frame : record.batch.histograms) {
    if (!histograms_) {
      counts_.histograms_off += frame.series.size();
      continue;
    }
    begins_part = true;
    for (size_t i = 0; i < frame.series.size(); ++i) {
      add(series[frame.series[i]], frame.ts_ms, [&](std::string& to) {
        encode::AppendHistogram(kSeriesHistograms, frame.ts_ms, frame.values[i], to);
      });
    }
  }
}

void LogReader::AddEntities(const std::vector<model::EntityVersion>& versions) {
  if (entities_.size() > kMaxEntities) entities_.clear();
  for (const model::EntityVersion& version : versions) {
    unknown_.erase(version.id);
    Entity& entity = entities_[version.id];
    if (entity.generation > 0 && entity.labels == version.labels) continue;
    entity.labels = version.labels;
    entity.generation = ++generation_;
  }
}

const std::string* LogReader::LabelsOf(Series& series, int64_t ts_ms) {
  const bool has_entity = series.definition.entity != Id128{};
  const Entity* const entity = has_entity ? FindEntity(series.definition.entity, ts_ms) : nullptr;
  if (has_entity && entity == nullptr) return nullptr;
  const uint64_t generation = has_entity ? entity->generation : UINT64_MAX;
  if (series.generation == generation) return &series.labels;
  LabelSet labels = has_entity ? entity->labels : LabelSet();
  for (const Label& label : series.definition.residual) labels.Set(label.name, label.value);
  labels.Set(kMetricName, series.definition.metric);
  series.labels.clear();
  encode::AppendLabels(kSeriesLabels, labels, series.labels);
  series.generation = generation;
  return &series.labels;
}

const LogReader::Entity* LogReader::FindEntity(const Id128& id, int64_t ts_ms) {
  const auto known = entities_.find(id);
  if (known != entities_.end()) return &known->second;
  // All that lived then at once; who is not among them is not asked for again.
  if (queryable_ == nullptr || unknown_.contains(id)) return nullptr;
  const auto versions = queryable_->EntitiesAt(tenant_, ts_ms);
  if (!versions.ok()) {
    spdlog::warn("remote write does not get entities: {}",
                 std::string(versions.status().message()));
    return nullptr;
  }
  AddEntities(*versions);
  const auto found = entities_.find(id);
  if (found != entities_.end()) return &found->second;
  unknown_.insert(id);
  return nullptr;
}

}  // namespace leadline::collector::remote::send
