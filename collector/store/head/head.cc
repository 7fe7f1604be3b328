#include "collector/store/head/head.h"

#include <algorithm>
#include <array>
#include <utility>

#include "collector/store/record/rows.h"
#include "common/id128.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::head {
namespace {

// Labels that Prometheus gives everything that it scraped from one place.
constexpr std::string_view kJob = "job";
constexpr std::string_view kInstance = "instance";
// A bucket's of a classic histogram.
constexpr std::string_view kBound = "le";
// Series that are resolved together: a shard is locked once for those of them that are its own.
constexpr size_t kResolvedAtOnce = 128;

// The parts of a batch's frames that go to each shard.
std::vector<std::vector<FrameRange>> RangesByShard(const WriteBatch& batch, const auto& frames,
                                                   size_t shards) {
  std::vector<std::vector<FrameRange>> ranges(shards);
  for (uint32_t frame = 0; frame < frames.size(); ++frame) {
    const std::vector<uint32_t>& series = frames[frame].series;
    const auto shard_of = [&](uint32_t at) { return Head::ShardOf(batch.series[series[at]]); };
    for (uint32_t begin = 0; begin < series.size();) {
      const size_t shard = shard_of(begin);
      uint32_t end = begin + 1;
      while (end < series.size() && shard_of(end) == shard) ++end;
      ranges[shard].push_back({frame, begin, end});
      begin = end;
    }
  }
  return ranges;
}

// As Head::ShardOf says. `get` gives the value of a residual label, "" when there is none.
template <typename Labels, typename Get>
size_t ShardByLabels(std::string_view metric, const Labels& residual, Get get, size_t shards) {
  const std::string_view instance = get(kInstance);
  if (!instance.empty()) return Head::ShardOf(HashId({get(kJob), instance}), shards);
  Id128 id = HashId({metric});
  for (const auto& label : residual) {
    // The buckets of a histogram go along with each other: together they take little in windows.
    if (label.name == kBound) continue;
    const std::array<char, 16> before = id.ToByteArray();
    id = HashId({label.name, label.value, {before.data(), before.size()}});
  }
  return Head::ShardOf(id, shards);
}

}  // namespace

Head::Head(size_t shards) {
  for (size_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

size_t Head::ShardOf(const model::SeriesDefinition& series, size_t shards) {
  if (series.entity != Id128()) return ShardOf(series.entity, shards);
  return ShardByLabels(
      series.metric, series.residual,
      [&](std::string_view name) { return series.residual.Get(name); }, shards);
}

size_t Head::ShardOf(std::string_view metric, const Id128& entity,
                     absl::Span<const index::LabelView> residual, size_t shards) {
  if (entity != Id128()) return ShardOf(entity, shards);
  const auto get = [&](std::string_view name) -> std::string_view {
    const auto it = std::find_if(residual.begin(), residual.end(),
                                 [&](const index::LabelView& label) { return label.name == name; });
    return it == residual.end() ? "" : it->value;
  };
  return ShardByLabels(metric, residual, get, shards);
}

std::vector<SeriesHandle> Head::Resolve(std::string_view tenant,
                                        absl::Span<const model::SeriesDefinition> series,
                                        size_t* begun) {
  std::vector<SeriesHandle> handles(series.size());
  std::vector<index::DefinitionKey> keys;
  keys.reserve(std::min(kResolvedAtOnce, series.size()));
  std::vector<std::vector<uint32_t>> of_shard(shards_.size());  // numbers of keys
  for (size_t first = 0; first < series.size(); first += keys.size()) {
    keys.clear();
    for (const model::SeriesDefinition& one : series.subspan(first, kResolvedAtOnce)) {
      of_shard[ShardOf(one, shards_.size())].push_back(static_cast<uint32_t>(keys.size()));
      keys.emplace_back(one);
    }
    for (size_t shard = 0; shard < shards_.size(); ++shard) {
      if (of_shard[shard].empty()) continue;
      const size_t added = shards_[shard]->Resolve(
          tenant, keys, of_shard[shard], [&](uint32_t number, uint32_t slot) {
            handles[first + number] = static_cast<SeriesHandle>(shard) << kSlotBits | slot;
          });
      if (begun != nullptr) *begun += added;
      of_shard[shard].clear();
    }
  }
  return handles;
}

index::DefinitionPtr Head::Find(std::string_view tenant, SeriesHandle handle) const {
  const size_t shard = ShardOf(handle);
  return shard < shards_.size() ? shards_[shard]->Find(tenant, SlotOf(handle)) : nullptr;
}

std::vector<SeriesHandle> Head::AddSeries(size_t shard, std::string_view tenant,
                                          std::vector<index::DefinitionPtr> definitions) {
  std::vector<SeriesHandle> handles;
  for (const uint32_t slot : shards_[shard]->Add(tenant, std::move(definitions))) {
    handles.push_back(static_cast<SeriesHandle>(shard) << kSlotBits | slot);
  }
  return handles;
}

std::optional<SeriesHandle> Head::FirstUnknown(std::string_view tenant,
                                               absl::Span<const SeriesHandle> handles) const {
  for (size_t begin = 0; begin < handles.size();) {
    const size_t shard = ShardOf(handles[begin]);
    if (shard >= shards_.size()) return handles[begin];
    size_t end = begin + 1;
    while (end < handles.size() && ShardOf(handles[end]) == shard) ++end;
    const size_t known = shards_[shard]->CountKnown(tenant, handles.subspan(begin, end - begin));
    if (known < end - begin) return handles[begin + known];
    begin = end;
  }
  return std::nullopt;
}

bool Head::WasReleased(SeriesHandle handle) const {
  const size_t shard = ShardOf(handle);
  return shard < shards_.size() && shards_[shard]->WasReleased(SlotOf(handle));
}

bool Head::Has(std::string_view tenant, const model::SeriesDefinition& series) const {
  return shards_[ShardOf(series, shards_.size())]->Has(tenant, series);
}

size_t Head::CountUnknown(std::string_view tenant,
                          absl::Span<const model::SeriesDefinition> series) const {
  size_t unknown = 0;
  for (const model::SeriesDefinition& definition : series) {
    unknown += Has(tenant, definition) ? 0 : 1;
  }
  return unknown;
}

AppendCounts Head::Append(std::string_view tenant, const WriteBatch& batch, int64_t oldest_ms) {
  AddRecords(tenant, batch, AddEntities(tenant, batch.entities, /*in_windows=*/false));
  const auto floats = RangesByShard(batch, batch.floats, shards_.size());
  const auto histograms = RangesByShard(batch, batch.histograms, shards_.size());
  AppendCounts counts;
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    if (floats[shard].empty() && histograms[shard].empty()) continue;
    counts.Add(shards_[shard]->Append(batch, floats[shard], histograms[shard], oldest_ms));
  }
  return counts;
}

std::vector<model::EntityVersion> Head::AddEntities(std::string_view tenant,
                                                    absl::Span<const model::EntityVersion> versions,
                                                    bool in_windows) {
  std::vector<model::EntityVersion> learned;
  for (const model::EntityVersion& version : versions) {
    if (!shards_[ShardOf(version.id, shards_.size())]->AddEntity(tenant, version, in_windows)) {
      continue;
    }
    entity_changes_.Add(version.id);
    learned.push_back(version);
  }
  return learned;
}

void Head::AddRecords(std::string_view tenant, const WriteBatch& batch,
                      absl::Span<const model::EntityVersion> learned) {
  records_.Append(tenant, batch.records);
  if (learned.empty()) return;
  int64_t learned_ms = 0;
  for (const FloatFrame& frame : batch.floats) learned_ms = std::max(learned_ms, frame.ts_ms);
  for (const HistogramFrame& frame : batch.histograms) {
    learned_ms = std::max(learned_ms, frame.ts_ms);
  }
  std::vector<model::Record> records;
  for (const model::EntityVersion& version : learned) {
    const bool ended = version.end_ms != model::kOpenEnd;
    const int64_t own_ms = std::max<int64_t>(0, ended ? version.end_ms : version.valid_from_ms);
    records.push_back(record::OfEntityVersion(version, learned_ms > 0 ? learned_ms : own_ms));
  }
  records_.Append(tenant, records);
}

absl::StatusOr<std::vector<SeriesSnapshot>> Head::Find(std::string_view tenant,
                                                       const index::Matchers& matchers,
                                                       int64_t start_ms, int64_t end_ms,
                                                       bool with_samples, CallMeter& meter) const {
  std::vector<SeriesSnapshot> found;
  for (const auto& shard : shards_) {
    LL_RETURN_IF_ERROR(shard->Find(tenant, matchers, start_ms, end_ms, with_samples, meter, found));
  }
  return found;
}

std::vector<Id128> Head::ChangedEntities(std::string_view tenant,
                                         const index::Matchers& matchers) const {
  std::vector<Id128> found;
  for (const auto& shard : shards_) shard->ChangedEntities(tenant, matchers, found);
  return found;
}

index::TimelinePtr Head::Timeline(std::string_view tenant, const Id128& entity) const {
  return shards_[ShardOf(entity, shards_.size())]->Timeline(tenant, entity);
}

std::vector<index::TimelinePtr> Head::ChangedTimelines(std::string_view tenant) const {
  std::vector<index::TimelinePtr> timelines;
  for (const auto& shard : shards_) shard->ChangedTimelines(tenant, timelines);
  return timelines;
}

std::vector<index::TimelinePtr> Head::Timelines(std::string_view tenant) const {
  std::vector<index::TimelinePtr> timelines;
  for (const auto& shard : shards_) shard->Timelines(tenant, timelines);
  return timelines;
}

std::vector<index::TimelinePtr> Head::Timelines(size_t shard, std::string_view tenant) const {
  std::vector<index::TimelinePtr> timelines;
  shards_[shard]->Timelines(tenant, timelines);
  return timelines;
}

StringSet Head::EntityLabelNames(std::string_view tenant) const {
  StringSet names;
  for (const auto& shard : shards_) shard->EntityLabelNames(tenant, names);
  return names;
}

void Head::LabelNames(std::string_view tenant, int64_t start_ms, int64_t end_ms,
                      index::SmallestTexts& out) const {
  for (const auto& shard : shards_) shard->LabelNames(tenant, start_ms, end_ms, out);
}

void Head::LabelValues(std::string_view tenant, std::string_view name, int64_t start_ms,
                       int64_t end_ms, index::SmallestTexts& out) const {
  for (const auto& shard : shards_) shard->LabelValues(tenant, name, start_ms, end_ms, out);
}

std::vector<std::string> Head::Tenants() const {
  StringSet names;
  for (const auto& shard : shards_) shard->Tenants(names);
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

size_t Head::Release(size_t shard, int64_t now_ms, int64_t grace_ms, bool all) {
  ++releases_;
  return shards_[shard]->Release(now_ms, grace_ms, all);
}

uint64_t Head::definition_bytes() const {
  uint64_t bytes = index::LabelTable::Get().bytes();
  for (const auto& shard : shards_) bytes += shard->definition_bytes();
  return bytes;
}

uint64_t Head::sample_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->sample_bytes();
  return bytes + records_.bytes();
}

uint64_t Head::first_sample_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->first_sample_bytes();
  return bytes;
}

size_t Head::series_count() const {
  size_t count = 0;
  for (const auto& shard : shards_) count += shard->series_count();
  return count;
}

size_t Head::series_count(std::string_view tenant) const {
  size_t count = 0;
  for (const auto& shard : shards_) count += shard->series_count(tenant);
  return count;
}

}  // namespace leadline::collector::store::head
