// What the store does by itself: when shards are flushed, retention, rollups, the disk.
#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/local_store.h"
#include "collector/store/engine/retention.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int64_t kFullHeadFlushMs = int64_t{60} * 1000;
constexpr int64_t kFlushRetryMs = int64_t{30} * 1000;
// Samples may take so many times what the first of each series take, so that there is room for
// more.
constexpr uint64_t kTimesFirstSamples = 2;
// While a shard is flushed commits are held when samples take this part more, for so long at most.
constexpr uint64_t kHeldAbovePart = 16;
constexpr absl::Duration kMostHeld = absl::Seconds(10);
// Parts of a day are settled so long after every shard was flushed once more: later there is hardly
// anything to come.
constexpr int64_t kSettleDelayMs = int64_t{15} * 60 * 1000;
// How often what is to be rolled up is looked for.
constexpr int64_t kRollIntervalMs = int64_t{60} * 1000;

// An error of what is tried each second is logged once; `last` is how it went before.
void SayIfNew(std::string_view what, absl::Status status, absl::Status& last) {
  if (!status.ok() && last.ok()) {
    spdlog::error("{} reason=\"{}\"", what, std::string(status.message()));
  }
  last = std::move(status);
}

}  // namespace

bool LocalStore::FlushIsDue() const {
  const int64_t waited_ms = NowMonoMs() - last_flush_ms_;
  if (flush_failed_) return waited_ms >= kFlushRetryMs;
  const auto shards = static_cast<int64_t>(head_.shard_count());
  // What a start has to read; one may have found that much already.
  if (committer_->unflushed_bytes() >= options_.flush_log_bytes) return true;
  const uint64_t bytes = committer_->log_bytes() - last_flush_bytes_;
  if (bytes >= options_.flush_log_bytes / static_cast<uint64_t>(shards)) return true;
  if (head_.sample_bytes() >= MostSampleBytes()) return true;
  // A full head has to forget what ended, which a flush does.
  const bool is_full = head_.definition_bytes() >= options_.max_definition_bytes;
  const int64_t interval_ms =
      is_full ? std::min(kFullHeadFlushMs, options_.flush_interval_ms) : options_.flush_interval_ms;
  return committer_->unflushed_bytes() > 0 && waited_ms >= interval_ms / shards;
}

uint64_t LocalStore::MostSampleBytes() const {
  return std::max(options_.flush_sample_bytes, kTimesFirstSamples * head_.first_sample_bytes());
}

void LocalStore::Applied() {
  uint64_t above = woken_above_;
  if (head_.sample_bytes() < above || !woken_above_.compare_exchange_strong(above, UINT64_MAX)) {
    return;
  }
  MutexLock lock(stop_mutex_);
  woken_ = true;
  stop_changed_.NotifyAll();
}

void LocalStore::Maintain() {
  last_flush_ms_ = NowMonoMs();
  last_flush_bytes_ = committer_->log_bytes();
  do {
    metrics_.series.Set(static_cast<double>(head_.series_count()));
    metrics_.definition_bytes.Set(static_cast<double>(head_.definition_bytes()));
    const bool has_room_again = LookAtDisk();
    const bool is_well_again = committer_->Heal() || has_room_again;
    if (DiskHealth().ok()) {
      MutexLock lock(flush_mutex_);
      SayIfNew("windows stay open for reading only", windows_.OpenForWriting(), windows_opened_);
      SayIfNew("the log's newest segment is not noted", flusher_->NoteSegment(), segment_noted_);
    }
    if (is_well_again && flush_failed_) FlushNextShard();
    // A turn at most: then the rest is looked at.
    for (size_t left = head_.shard_count(); left > 0 && FlushIsDue() && !IsStopping(); --left) {
      FlushNextShard();
    }
    SayIfNew("damaged windows cannot be moved to quarantine", QuarantineDamaged(), quarantined_);
    SayIfNew("retention failed", ApplyRetention(), retention_applied_);
    woken_above_ = flush_failed_ ? UINT64_MAX : MostSampleBytes();
  } while (!WaitForWork());
}

absl::Status LocalStore::ApplyRetention() {
  const std::map<int64_t, uint64_t> sizes = windows_.Sizes();
  uint64_t bytes = 0;
  for (const auto& [start_ms, size] : sizes) bytes += size;
  metrics_.window_bytes.Set(static_cast<double>(bytes));
  if (options_.retention_bytes > 0 && bytes > options_.retention_bytes) {
    const int64_t kept_from_ms = KeptFromBySize(sizes, options_.retention_bytes);
    if (kept_from_ms > chunk::kBeforeAllTime) {
      spdlog::info("windows take more room than they may bytes={} limit={}", bytes,
                   options_.retention_bytes);
    }
    LL_RETURN_IF_ERROR(DropBefore(kept_from_ms));
  }
  MutexLock lock(flush_mutex_);
  return flusher_->DropBefore(KeptFromMs());
}

int64_t LocalStore::SettledMs() const {
  return options_.clock->NowUnixMs() - options_.flush_interval_ms - kSettleDelayMs;
}

void LocalStore::MakeRollups() {
  int64_t last_ms = NowMonoMs() - kRollIntervalMs;
  do {
    if (NowMonoMs() - last_ms < kRollIntervalMs) continue;
    last_ms = NowMonoMs();
    MutexLock lock(roll_mutex_);
    // Failures are logged and counted there.
    roller_->MakeDue(SettledMs(), /*at_once=*/false).IgnoreError();
  } while (!WaitForStop());
}

absl::Status LocalStore::RollUp() {
  LL_RETURN_IF_ERROR(gate_.status());
  MutexLock lock(roll_mutex_);
  return roller_->MakeDue(SettledMs(), /*at_once=*/true);
}

absl::Status LocalStore::QuarantineDamaged() {
  MutexLock lock(flush_mutex_);
  return flusher_->QuarantineHidden();
}

void LocalStore::FlushNextShard() {
  last_flush_ms_ = NowMonoMs();
  last_flush_bytes_ = committer_->log_bytes();
  MutexLock lock(flush_mutex_);
  // Where there are more already, writers are slowed down, not stopped.
  const uint64_t most = MostSampleBytes();
  committer_->HoldAbove(std::max(most, head_.sample_bytes()) + most / kHeldAbovePart, kMostHeld);
  absl::Status flushed = flusher_->FlushNext();  // a failure is logged and counted there
  committer_->GoOn();
  flush_failed_ = !flushed.ok();
  SetFlushHealth(std::move(flushed));
  if (absl::Status settled = windows_.Settle(SettledMs()); !settled.ok()) {
    spdlog::error("settling failed reason=\"{}\"", std::string(settled.message()));
  }
}

void LocalStore::SetFlushHealth(absl::Status flushed) {
  MutexLock lock(health_mutex_);
  flush_health_ = std::move(flushed);
}

bool LocalStore::LookAtDisk() {
  const absl::StatusOr<uint64_t> free = files_.FreeBytes(paths_.dir);
  absl::Status health = free.status();
  if (free.ok() && *free < options_.min_free_bytes) {
    health = absl::ResourceExhaustedError(
        fmt::format("the disk of {} has {} bytes left; writes are taken from {} on", paths_.dir,
                    *free, options_.min_free_bytes));
  }
  MutexLock lock(health_mutex_);
  const bool has_changed = health.ok() != disk_health_.ok();
  if (has_changed) {
    spdlog::log(health.ok() ? spdlog::level::info : spdlog::level::err, "{}",
                health.ok() ? "the disk has room again" : std::string(health.message()));
  }
  disk_health_ = std::move(health);
  return has_changed && disk_health_.ok();
}

}  // namespace leadline::collector::store::engine
