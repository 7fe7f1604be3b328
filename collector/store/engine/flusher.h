// Flushes: what shards of the head hold goes to windows, and the log before it is removed.
//
// In this order, so that a kill at any point loses and doubles nothing: the log begins a new
// segment with the writers' sequences and the shards' live entities, and the shards are frozen;
// windows are written and synced; the manifest names the new segment as the shards' checkpoint; the
// head forgets what was frozen; segments that no shard needs are unlinked. Until the manifest is
// replaced recovery reads the older segments again, and what is in windows already is merged with
// itself.
//
// Shards take turns (FlushNext), so that little is frozen and written at a time and the log that a
// start has to read is bounded.
//
// Threading: any thread, one at a time (the caller's lock). Ownership: the arguments outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/store/engine/committer.h"
#include "collector/store/engine/metrics.h"
#include "collector/store/engine/paths.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/file/files.h"
#include "collector/store/head/head.h"
#include "common/clock.h"

namespace leadline::collector::store::engine {

class Flusher {
 public:
  Flusher(file::Files& files, const Paths& paths, const Clock& clock, head::Head& head,
          WindowSet& windows, Committer& committer, Metrics& metrics,
          std::vector<uint64_t> checkpoints)
      : files_(files),
        paths_(paths),
        clock_(clock),
        head_(head),
        windows_(windows),
        committer_(committer),
        metrics_(metrics),
        checkpoints_(std::move(checkpoints)) {}

  // `checkpoints` (above): by shard, the segments that they begin with.

  // Every shard. `damaged`: log segments that are quarantined where others are unlinked.
  absl::Status Flush(const std::set<uint64_t>& damaged = {});
  // The shard whose checkpoint is the oldest.
  absl::Status FlushNext();
  // Windows that end before their class' time.
  absl::Status DropBefore(const ByClass<int64_t>& kept_from_ms);
  // Windows that were found damaged since.
  absl::Status QuarantineHidden();
  absl::Status WriteManifest();

 private:
  using WindowChunks = std::map<std::string, window::TenantChunks>;  // by tenant

  absl::Status FlushShards(absl::Span<const size_t> shards, const std::set<uint64_t>& damaged);
  absl::Status TryFlushShards(absl::Span<const size_t> shards, const std::set<uint64_t>& damaged);
  absl::Status WriteShard(size_t shard, std::set<WindowId>& written);
  static std::map<WindowId, WindowChunks> PlanSeries(std::vector<head::FrozenSeries> frozen);
  absl::StatusOr<std::map<WindowId, WindowChunks>> PlanEntities(
      absl::Span<const head::FrozenEntities> frozen) const;
  absl::Status Write(const std::map<WindowId, WindowChunks>& plan, std::set<WindowId>& written);
  absl::Status WriteRecords(std::set<WindowId>& written);
  absl::Status WriteWindow(const WindowId& id, const WindowChunks& chunks);
  absl::Status RemoveOldLog(const std::set<uint64_t>& damaged);
  WindowId HomeWindow(const model::EntityTimeline& timeline) const;

  file::Files& files_;
  const Paths& paths_;
  const Clock& clock_;
  head::Head& head_;
  WindowSet& windows_;
  Committer& committer_;
  Metrics& metrics_;
  std::vector<uint64_t> checkpoints_;
};

}  // namespace leadline::collector::store::engine
