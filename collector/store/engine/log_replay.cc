#include "collector/store/engine/log_replay.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include <fmt/format.h>

#include "common/labels.h"

namespace leadline::collector::store::engine {
namespace {

// Series of a shard that are added together.
constexpr size_t kAddedAtOnce = 128;

// Instead of a handle: a series of someone else.
constexpr SeriesHandle kOthers = HandleMap::kNone - 1;

}  // namespace

LogReplay::LogReplay(const ReplayOptions& options, ReplayPart part, head::Head& head,
                     Metrics& metrics)
    : options_(options),
      part_(part),
      head_(head),
      metrics_(metrics),
      wanted_(options.checkpoints.size(), true),
      pending_(head.shard_count()) {}

absl::Status LogReplay::Apply(const ReplayedFrame& frame) {
  if (run_ != frame.run) handles_.Clear();
  run_ = frame.run;
  segment_ = frame.segment;
  behind_damage_ = behind_damage_ || frame.behind_damage;
  for (size_t shard = 0; shard < options_.checkpoints.size(); ++shard) {
    wanted_[shard] = frame.segment >= options_.checkpoints[shard];
  }
  applied_ = absl::OkStatus();
  const absl::Status read = reader_.Read(frame.payload, *this);
  if (!read.ok() && !absl::IsDataLoss(read)) return read;
  // What is not read may define what comes after. One says it for all.
  behind_damage_ = behind_damage_ || !read.ok();
  if (part_.number == 0) applied_.Update(read);
  return std::exchange(applied_, absl::OkStatus());
}

void LogReplay::Visit(const log::SeriesRows& series) {
  for (const log::SeriesRows::Row& row : series.rows) {
    if (!IsWanted(head::Head::ShardOf(row.handle))) continue;
    absl::InlinedVector<index::LabelView, 20> labels;
    for (const auto& label : series.LabelsOf(row)) labels.push_back({label.name, label.value});
    const size_t shard = head::Head::ShardOf(row.metric, row.entity, labels, head_.shard_count());
    if (!part_.Has(shard)) {
      // By its handle it would be ours: that is of a head with another number of shards.
      if (part_.Has(head::Head::ShardOf(row.handle))) handles_.Set(row.handle, kOthers);
      continue;
    }
    pending_[shard].handles.push_back(row.handle);
    pending_[shard].definitions.push_back(Intern(series, row));
    if (pending_[shard].handles.size() == kAddedAtOnce) AddPending(shard, series.tenant);
  }
  for (size_t shard = 0; shard < pending_.size(); ++shard) AddPending(shard, series.tenant);
  labels_.Clear();
}

index::DefinitionPtr LogReplay::Intern(const log::SeriesRows& series,
                                       const log::SeriesRows::Row& row) {
  absl::InlinedVector<index::LabelId, 20> ids{labels_.Find(kMetricName, row.metric)};
  for (const auto& label : series.LabelsOf(row))
    ids.push_back(labels_.Find(label.name, label.value));
  return index::Intern(row.entity, ids);
}

void LogReplay::AddPending(size_t shard, std::string_view tenant) {
  Pending& pending = pending_[shard];
  if (pending.handles.empty()) return;
  const std::vector<SeriesHandle> handles =
      head_.AddSeries(shard, tenant, std::exchange(pending.definitions, {}));
  for (size_t i = 0; i < handles.size(); ++i) handles_.Set(pending.handles[i], handles[i]);
  pending.handles.clear();
}

void LogReplay::Choose(std::string_view /*tenant*/, std::vector<SeriesHandle>& series,
                       absl::Span<uint32_t> numbers) {
  chosen_ = absl::OkStatus();
  uint32_t left = 0;
  for (size_t i = 0; i < series.size(); ++i) {
    const SeriesHandle handle = series[i];
    const size_t shard = head::Head::ShardOf(handle);
    if (!IsWanted(shard)) continue;  // and perhaps defined before its checkpoint
    const SeriesHandle known = handles_.Get(handle);
    if (known == kOthers) continue;
    if (known != HandleMap::kNone) {
      numbers[i] = left;
      series[left++] = known;
      continue;
    }
    if (!part_.Has(shard)) continue;
    numbers[i] = kMissed;
    if (behind_damage_) continue;
    chosen_.Update(
        absl::DataLossError(fmt::format("batch refers to series {}, not defined", handle)));
  }
  series.resize(left);
}

void LogReplay::Visit(log::BatchRecord& record, uint64_t missed_samples) {
  applied_.Update(chosen_);
  if (missed_samples > 0) metrics_.samples_undefined.Increment(static_cast<double>(missed_samples));
  NoteTimes(record.batch, missed_samples > 0);
  AddEntities(record.tenant, record.batch);
  record.batch.entities.clear();
  if (record.batch.series.empty()) return;
  metrics_.Count(head_.Append(record.tenant, record.batch, options_.oldest_ms));
}

void LogReplay::NoteTimes(const WriteBatch& batch, bool has_missed) {
  const auto note = [&](int64_t ts_ms) {
    const TimeRange now{ts_ms, ts_ms};
    if (part_.number == 0) Widen(times_.try_emplace(segment_, now).first->second, now);
    if (!has_missed) return;
    if (!undefined_) undefined_ = now;
    Widen(*undefined_, now);
  };
  for (const FloatFrame& frame : batch.floats) note(frame.ts_ms);
  for (const HistogramFrame& frame : batch.histograms) note(frame.ts_ms);
}

void LogReplay::Visit(log::EntitiesRecord& record) {
  std::erase_if(record.versions, [this](const model::EntityVersion& version) {
    return !IsOwn(version) || !IsWanted(head::Head::ShardOf(version.id, wanted_.size()));
  });
  head_.AddEntities(record.tenant, record.versions, /*in_windows=*/true);
}

void LogReplay::Visit(log::KeyedRecords& record) {
  if (!part_.Has(head::Head::kRecordShard) || !IsWanted(head::Head::kRecordShard)) return;
  WriteBatch batch;
  batch.records = std::move(record.records);
  head_.AddRecords(record.tenant, batch, {});
}

bool LogReplay::IsOwn(const model::EntityVersion& version) const {
  return part_.Has(head::Head::ShardOf(version.id, head_.shard_count()));
}

// Of shards that this segment has something of. Others have theirs in windows, and their live
// entities, whole, at the checkpoint to come: what a version means depends on those before it.
void LogReplay::AddEntities(const std::string& tenant, const WriteBatch& batch) {
  std::vector<model::EntityVersion> learned;
  std::vector<model::EntityVersion> wanted;
  for (const model::EntityVersion& version : batch.entities) {
    if (!IsOwn(version)) continue;
    // Nobody knows any more whether those of other shards were new: a record more does no harm.
    (IsWanted(head::Head::ShardOf(version.id, wanted_.size())) ? wanted : learned)
        .push_back(version);
  }
  const auto added = head_.AddEntities(tenant, wanted, /*in_windows=*/false);
  learned.insert(learned.end(), added.begin(), added.end());
  if (IsWanted(head::Head::kRecordShard)) head_.AddRecords(tenant, batch, learned);
}

}  // namespace leadline::collector::store::engine
