#include "collector/store/engine/flusher.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/manifest_file.h"
#include "collector/store/engine/quarantine.h"
#include "collector/store/log/segment.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

using chunk::WindowStart;

// What of a shard is decoded at a time, some 4 MiB.
constexpr size_t kSamplesAtATime = 256 << 10;

// Of a flush that finds windows damaged.
constexpr int kMaxTries = 5;

std::set<int64_t> WindowsOf(const head::SeriesSnapshot& series) {
  std::set<int64_t> starts;
  for (const chunk::Piece& piece : series.pieces) {
    if (piece.sealed) {
      starts.insert(WindowStart(piece.sealed->info.first_ms));
      continue;
    }
    for (const int64_t ts_ms : piece.floats ? piece.floats->ts_ms : piece.histograms->ts_ms) {
      if (starts.empty() || WindowStart(ts_ms) != *starts.rbegin()) {
        starts.insert(WindowStart(ts_ms));
      }
    }
  }
  return starts;
}

}  // namespace

bool Flusher::MustFlushAll() const {
  return !damaged_.empty() || checkpoints_.size() != head_.shard_count();
}

absl::Status Flusher::Flush() {
  std::vector<size_t> shards(head_.shard_count());
  std::iota(shards.begin(), shards.end(), size_t{0});
  return FlushShards(shards);
}

absl::Status Flusher::FlushNext() {
  if (MustFlushAll()) return Flush();
  const auto oldest = std::min_element(checkpoints_.begin(), checkpoints_.end());
  return FlushShards({static_cast<size_t>(oldest - checkpoints_.begin())});
}

absl::Status Flusher::FlushShards(absl::Span<const size_t> shards) {
  absl::Status status = TryFlushShards(shards);
  // Damage to what is there must not keep new data from being written: all of it is written again,
  // without the windows that are damaged.
  for (int tries = 0; tries < kMaxTries && windows_.HideDamaged(status); ++tries) {
    status = TryFlushShards(shards);
  }
  if (!status.ok()) {
    metrics_.flush_errors.Increment();
    spdlog::error("flush failed reason=\"{}\"", std::string(status.message()));
  }
  return status;
}

absl::Status Flusher::TryFlushShards(absl::Span<const size_t> shards) {
  LL_RETURN_IF_ERROR(windows_.QuarantineHidden().status());
  LL_RETURN_IF_ERROR(windows_.GoOn());
  LL_ASSIGN_OR_RETURN(const Committer::Mark mark, committer_.Checkpoint(shards));
  std::vector<std::vector<head::FrozenEntities>> entities(shards.size());
  std::set<WindowId> written;
  for (size_t i = 0; i < shards.size(); ++i) {
    LL_RETURN_IF_ERROR(WriteShard(shards[i], written));
    // What windows know now, and need not be told of alone.
    head_.FrozenEntitiesOf(shards[i], entities[i]);
    LL_ASSIGN_OR_RETURN(const auto plan, PlanEntities(entities[i]));
    LL_RETURN_IF_ERROR(Write(plan, written));
    if (shards[i] == head::Head::kRecordShard) LL_RETURN_IF_ERROR(WriteRecords(written));
  }
  for (const WindowId& id : written) {
    LL_ASSIGN_OR_RETURN(const auto window, windows_.GetOrCreate(id));
    LL_RETURN_IF_ERROR(window->Sync());
    metrics_.window_flushes.Increment();
  }
  // What went to a window in which a query has found damage since would be lost with it.
  LL_RETURN_IF_ERROR(windows_.WhyHidden(written));
  for (const auto& [id, window] :
       windows_.OverlappingById(chunk::kMinTimestampMs, model::kOpenEnd)) {
    if (written.empty() || written.contains(id) || IsRollup(id.retention)) continue;
    window->EndWriting();
  }
  std::vector<uint64_t> checkpoints = checkpoints_;
  checkpoints.resize(head_.shard_count());
  for (const size_t shard : shards) checkpoints[shard] = mark.segment;
  checkpoints.swap(checkpoints_);
  if (absl::Status replaced = WriteManifest(); !replaced.ok()) {
    checkpoints_ = std::move(checkpoints);
    return replaced;
  }
  for (size_t i = 0; i < shards.size(); ++i) head_.DropFrozen(shards[i], entities[i]);
  committer_.Flushed(shards, mark);
  return RemoveOldLog();
}

absl::Status Flusher::WriteShard(size_t shard, std::set<WindowId>& written) {
  for (uint32_t from = 0; from != head::Shard::kEndOfSlots;) {
    std::vector<head::FrozenSeries> frozen;
    from = head_.Frozen(shard, from, kSamplesAtATime, frozen);
    LL_RETURN_IF_ERROR(Write(PlanSeries(std::move(frozen)), written));
  }
  return absl::OkStatus();
}

std::map<WindowId, Flusher::WindowChunks> Flusher::PlanSeries(
    std::vector<head::FrozenSeries> frozen) {
  std::map<WindowId, WindowChunks> plan;
  absl::flat_hash_set<std::pair<int64_t, Id128>> placed[kRetentionClasses.size()];
  for (head::FrozenSeries& tenant : frozen) {
    for (auto& of_class : placed) of_class.clear();
    for (head::SeriesSnapshot& series : tenant.series) {
      const RetentionClass retention = ClassOf(series.definition->metric());
      for (const int64_t start_ms : WindowsOf(series)) {
        window::TenantChunks& chunks = plan[{start_ms, retention}][tenant.tenant];
        chunks.series.push_back({series.definition, series.pieces});
        if (series.timeline && placed[static_cast<size_t>(retention)]
                                   .emplace(start_ms, series.definition->entity())
                                   .second) {
          chunks.entities.push_back(series.timeline);
        }
      }
    }
  }
  return plan;
}

// REQUIRES: the series' samples are in windows, with their entities.
absl::StatusOr<std::map<WindowId, Flusher::WindowChunks>> Flusher::PlanEntities(
    absl::Span<const head::FrozenEntities> frozen) const {
  std::map<WindowId, WindowChunks> plan;
  for (const head::FrozenEntities& tenant : frozen) {
    for (const head::FrozenEntities::Entity& entity : tenant.entities) {
      const Id128& id = entity.timeline->versions().front().id;
      bool known = false;
      for (const auto& [window_id, window] :
           windows_.OverlappingById(entity.changed_from_ms, model::kOpenEnd)) {
        // They are told with what they are made of.
        if (IsRollup(window_id.retention)) continue;
        LL_ASSIGN_OR_RETURN(const bool has, window->dictionary().HasEntity(tenant.tenant, id));
        if (!has) continue;
        known = true;
        plan[window_id][tenant.tenant].entities.push_back(entity.timeline);
      }
      if (known) continue;
      plan[HomeWindow(*entity.timeline)][tenant.tenant].entities.push_back(entity.timeline);
    }
  }
  return plan;
}

absl::Status Flusher::Write(const std::map<WindowId, WindowChunks>& plan,
                            std::set<WindowId>& written) {
  for (const auto& [id, chunks] : plan) {
    written.insert(id);
    LL_RETURN_IF_ERROR(WriteWindow(id, chunks));
  }
  return absl::OkStatus();
}

absl::Status Flusher::WriteRecords(std::set<WindowId>& written) {
  for (const auto& [tenant, records] : head_.records().Frozen()) {
    std::map<WindowId, std::vector<model::Record>> by_window;
    for (const model::Record& record : records) {
      const int64_t ts_ms = std::min(record.ts_ms, chunk::kMaxTimestampMs);
      by_window[{WindowStart(ts_ms)}].push_back(record);
    }
    for (const auto& [id, of_window] : by_window) {
      written.insert(id);
      LL_ASSIGN_OR_RETURN(const auto window, windows_.GetOrCreate(id));
      LL_RETURN_IF_ERROR(window->WriteRecords(tenant, of_window));
    }
  }
  return absl::OkStatus();
}

// Where an entity without samples is kept: when it was last known to live.
WindowId Flusher::HomeWindow(const model::EntityTimeline& timeline) const {
  const int64_t last_ms = std::min(timeline.end_ms(), clock_.NowUnixMs());
  return {WindowStart(std::clamp(last_ms, chunk::kMinTimestampMs, chunk::kMaxTimestampMs)),
          timeline.versions().front().kind == model::EntityKind::kProcess
              ? RetentionClass::kProcesses
              : RetentionClass::kRaw};
}

absl::Status Flusher::WriteWindow(const WindowId& id, const WindowChunks& chunks) {
  LL_ASSIGN_OR_RETURN(const auto window, windows_.GetOrCreate(id));
  for (const auto& [tenant, tenant_chunks] : chunks) {
    LL_RETURN_IF_ERROR(window->Write(tenant, tenant_chunks));
  }
  return absl::OkStatus();
}

absl::Status Flusher::WriteManifest() { return WriteManifest(windows_.Listed()); }

absl::Status Flusher::WriteManifest(const Manifest::Windows& windows) {
  const Manifest manifest{checkpoints_, committer_.segment(), windows};
  LL_RETURN_IF_ERROR(ReplaceManifest(files_, paths_, manifest));
  noted_segment_ = manifest.newest_segment;
  return absl::OkStatus();
}

absl::Status Flusher::NoteSegment() {
  return noted_segment_ == committer_.segment() ? absl::OkStatus() : WriteManifest();
}

absl::Status Flusher::RemoveOldLog() {
  const uint64_t first = *std::min_element(checkpoints_.begin(), checkpoints_.end());
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(paths_.log));
  for (const std::string& name : names) {
    const uint64_t number = log::SegmentNumber(name);
    if (number == 0 || number >= first) continue;
    const std::string path = fmt::format("{}/{}", paths_.log, name);
    if (damaged_.contains(number)) {
      metrics_.quarantined_segments.Increment();
      LL_RETURN_IF_ERROR(QuarantinePath(files_, paths_, path, fmt::format("log-{}", name),
                                        absl::DataLossError("damaged in the middle")));
    } else {
      LL_RETURN_IF_ERROR(files_.Remove(path));
    }
  }
  damaged_.erase(damaged_.begin(), damaged_.lower_bound(first));
  return absl::OkStatus();
}

absl::Status Flusher::DropBefore(const ByClass<int64_t>& kept_from_ms) {
  std::vector<WindowId> dropped;
  Manifest::Windows kept = windows_.Listed();
  std::erase_if(kept, [&](const auto& window) {
    const WindowId& id = window.first;
    if (LastMs(id) >= kept_from_ms[static_cast<size_t>(id.retention)]) {
      return false;
    }
    dropped.push_back(id);
    return true;
  });
  LL_RETURN_IF_ERROR(windows_.DropQuarantined(kept_from_ms));
  if (dropped.empty()) return absl::OkStatus();
  // The manifest first: a directory that it does not list is removed at the next start.
  LL_RETURN_IF_ERROR(WriteManifest(kept));
  for (const WindowId& id : dropped) {
    LL_RETURN_IF_ERROR(windows_.Drop(id));
    metrics_.windows_dropped.Increment();
    spdlog::info("dropped window {}", NameOf(id));
  }
  return absl::OkStatus();
}

absl::Status Flusher::QuarantineHidden() {
  LL_ASSIGN_OR_RETURN(const bool any, windows_.QuarantineHidden());
  return any ? WriteManifest() : absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
