#include "collector/store/engine/local_store.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/limits.h"
#include "collector/store/engine/manifest_file.h"
#include "collector/store/engine/recovery.h"
#include "collector/store/engine/retention.h"
#include "collector/store/log/record.h"
#include "collector/store/log/writer.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int64_t kSayProgressMs = 200;

// One that lists nothing when there is none, and no windows.
absl::StatusOr<ManifestFile> ReadManifestIfAny(file::Files& files, const Paths& paths) {
  absl::StatusOr<ManifestFile> manifest = ReadManifest(files, paths);
  if (!absl::IsNotFound(manifest.status())) return manifest;
  for (const std::string_view name : kRetentionClasses) {
    const auto windows = files.List(fmt::format("{}/{}", paths.windows, name));
    if (!windows.ok() && !absl::IsNotFound(windows.status())) return windows.status();
    if (!windows.ok() || windows->empty()) continue;
    return absl::DataLossError(fmt::format("{}/{} is missing although there are windows in {}",
                                           paths.dir, kManifestName, paths.windows));
  }
  return ManifestFile();
}

// That was there. 0: the first may not have been begun.
uint64_t NewestSegment(const Manifest& manifest) {
  const uint64_t checkpoint =
      *std::max_element(manifest.checkpoints.begin(), manifest.checkpoints.end());
  return std::max(manifest.newest_segment, checkpoint > 1 ? checkpoint : 0);
}

// What windows have of the log that is left, by shard of the head.
std::vector<uint64_t> FlushedBytes(const LogScan& scan, absl::Span<const uint64_t> checkpoints,
                                   size_t shards) {
  std::vector<uint64_t> flushed(shards);
  if (checkpoints.size() != shards) return flushed;
  for (size_t shard = 0; shard < shards; ++shard) {
    for (const LogScan::Segment& segment : scan.segments) {
      if (segment.number < checkpoints[shard]) flushed[shard] += segment.bytes;
    }
  }
  return flushed;
}

}  // namespace

LocalStore::LocalStore(const StoreOptions& options)
    : options_(options),
      retention_time_(*options.clock),
      paths_(options.dir),
      files_(options.files ? *options.files : file::PosixFiles()),
      own_registry_(options.registry ? nullptr : std::make_unique<prometheus::Registry>()),
      metrics_(options.registry ? *options.registry : *own_registry_),
      head_(options.head_shards),
      tenants_(options.tenant_limits, options.limits_by_tenant, *options.clock,
               options.registry ? *options.registry : *own_registry_),
      admission_(head_, tenants_, *options.clock,
                 {.max_ahead_ms = options.max_ahead_ms,
                  .max_late_ms = options.max_late_ms,
                  .oldest_ms = [this] { return OldestMs(); }}),
      windows_(files_, paths_, {options.block_cache_bytes, options.window_env}, metrics_),
      reader_(head_, windows_),
      guarded_reader_(reader_, windows_, log_gaps_) {}

absl::StatusOr<std::unique_ptr<Store>> LocalStore::Open(const StoreOptions& options) {
  if (options.dir.empty()) return absl::InvalidArgumentError("the data directory has no name");
  if (options.head_shards < 1 || options.head_shards > 256) {
    return absl::InvalidArgumentError(
        fmt::format("head_shards is {}; 1 to 256 are allowed", options.head_shards));
  }
  std::unique_ptr<LocalStore> store(new LocalStore(options));
  LL_RETURN_IF_ERROR(store->Start());
  store->maintenance_ = std::thread([&store = *store] { store.Run(); });
  if (!options.recover_in_background) LL_RETURN_IF_ERROR(store->WaitUntilRecovered());
  return store;
}

absl::Status LocalStore::Start() {
  const bool is_new = absl::IsNotFound(files_.List(paths_.dir).status());
  for (const std::string& dir : {paths_.dir, paths_.log, paths_.windows}) {
    LL_RETURN_IF_ERROR(files_.MakeDirs(dir));
  }
  LL_RETURN_IF_ERROR(files_.SyncDir(paths_.dir));
  // Its own entry, if it was made just now; who did not make it may not be allowed to.
  // "/" on the end would be a part of the path.
  const std::string parent =
      std::filesystem::path(paths_.dir + "/.").lexically_normal().parent_path().parent_path();
  absl::Status synced = files_.SyncDir(parent.empty() ? "." : parent);
  if (is_new) LL_RETURN_IF_ERROR(synced);
  absl::StatusOr<std::unique_ptr<file::FileLock>> lock = files_.Lock(paths_.lock);
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(
        fmt::format("the data directory {} is in use by another collector: {}", paths_.dir,
                    std::string(lock.status().message())));
  }
  LL_RETURN_IF_ERROR(lock.status());
  lock_ = *std::move(lock);

  LL_ASSIGN_OR_RETURN(const ManifestFile manifest_file, ReadManifestIfAny(files_, paths_));
  manifest_damage_ = manifest_file.damage;
  if (!manifest_damage_.ok()) {
    metrics_.quarantined_manifests.Increment();
    spdlog::error("the manifest is damaged or missing, its copy is used reason=\"{}\"",
                  std::string(manifest_damage_.message()));
  }
  const Manifest& manifest = manifest_file.manifest;
  const uint64_t first =
      *std::min_element(manifest.checkpoints.begin(), manifest.checkpoints.end());
  checkpoints_ = manifest.checkpoints;
  listed_windows_ = manifest.windows;
  LL_ASSIGN_OR_RETURN(scan_,
                      ScanLog(files_, paths_, first, NewestSegment(manifest), writers_, metrics_));
  LL_ASSIGN_OR_RETURN(std::unique_ptr<log::Writer> writer,
                      log::Writer::Open(files_, paths_.log, scan_.next_segment, scan_.last_bytes));
  if (writer->broken()) spdlog::error("the disk is full: the log cannot go on dir={}", paths_.log);
  committer_ = std::make_unique<Committer>(
      std::move(writer), head_, writers_, metrics_,
      Committer::Options{.segment_bytes = options_.log_segment_bytes,
                         .queue_bytes = options_.log_queue_bytes,
                         .recovered_bytes = scan_.log_bytes,
                         .flushed_bytes = FlushedBytes(scan_, checkpoints_, head_.shard_count()),
                         .max_unflushed_bytes = options_.max_unflushed_bytes,
                         .max_definition_bytes = options_.max_definition_bytes,
                         .oldest_ms = [this] { return OldestMs(); },
                         .now_ms = [this] { return options_.clock->NowUnixMs(); },
                         .check_disk = [this] { return DiskHealth(); },
                         .applied = [this] { Applied(); }});
  LookAtDisk();
  return absl::OkStatus();
}

void LocalStore::WarmUp() {
  const int64_t begin_ms = NowMonoMs();
  windows_.WarmUp([&] { return NowMonoMs() - begin_ms < options_.warm_up_ms && !IsStopping(); });
  spdlog::info("windows were read into the cache milliseconds={}", NowMonoMs() - begin_ms);
}

absl::Status LocalStore::Recover() {
  const int64_t begin_ms = NowMonoMs();
  const auto unlisted =
      manifest_damage_.ok() ? WindowSet::Unlisted::kRemove : WindowSet::Unlisted::kQuarantine;
  LL_RETURN_IF_ERROR(windows_.OpenAll(listed_windows_, unlisted));
  std::jthread warming;
  if (options_.warm_up_ms > 0) warming = std::jthread([this] { WarmUp(); });
  int64_t said_ms = begin_ms;
  ReplayOptions replay;
  replay.checkpoints = checkpoints_;
  replay.threads =
      options_.replay_threads > 0 ? options_.replay_threads : std::thread::hardware_concurrency();
  const ByClass<int64_t> kept_from_ms = KeptFromMs();
  replay.oldest_ms = std::min(kept_from_ms[static_cast<size_t>(RetentionClass::kRaw)],
                              kept_from_ms[static_cast<size_t>(RetentionClass::kProcesses)]);
  replay.go_on = [&](uint64_t bytes) {
    if (const int64_t now_ms = NowMonoMs(); now_ms - said_ms >= kSayProgressMs) {
      said_ms = now_ms;
      gate_.SayClosed(absl::UnavailableError(fmt::format(
          "the store is starting: {} of {} bytes of its log are read", bytes, scan_.log_bytes)));
    }
    return !IsStopping();
  };
  LL_RETURN_IF_ERROR(ReplayLog(files_, paths_, replay, scan_, head_, metrics_));
  LL_RETURN_IF_ERROR(NoteLogGaps());
  committer_->StartApplying();
  metrics_.recovery_seconds.Set(static_cast<double>(NowMonoMs() - begin_ms) / 1e3);
  metrics_.series.Set(static_cast<double>(head_.series_count()));
  MutexLock flush_lock(flush_mutex_);
  if (scan_.segments.empty()) {  // of nothing it does not matter whose shards have it
    const uint64_t first = *std::min_element(checkpoints_.begin(), checkpoints_.end());
    checkpoints_.assign(head_.shard_count(), first);
  }
  flusher_ = std::make_unique<Flusher>(files_, paths_, *options_.clock, head_, windows_,
                                       *committer_, metrics_, checkpoints_, scan_.damaged);
  absl::Status written = flusher_->MustFlushAll() ? flusher_->Flush() : flusher_->WriteManifest();
  if (absl::IsResourceExhausted(written)) {
    // What is there can be read all the same, and the log has what could not be written.
    spdlog::error("the store is open for reading until there is room reason=\"{}\"",
                  std::string(written.message()));
    flush_failed_ = true;
    SetFlushHealth(std::move(written));
  } else {
    LL_RETURN_IF_ERROR(written);
  }
  Roller::Options rolling;
  for (const RetentionClass rollups : kRollups) {
    rolling.wanted[static_cast<size_t>(rollups)] = RetentionMs(rollups) > 0;
  }
  rolling.kept_from_ms = [this] { return KeptFromMs(); };
  rolling.write_manifest = [this] {
    flush_mutex_.AssertHeld();
    return flusher_->WriteManifest();
  };
  rolling.is_stopping = [this] { return IsStopping(); };
  roller_ = std::make_unique<Roller>(windows_, flush_mutex_, *options_.clock, metrics_,
                                     std::move(rolling));
  if (warming.joinable()) warming.join();
  gate_.Open();
  return absl::OkStatus();
}

absl::Status LocalStore::NoteLogGaps() {
  LL_RETURN_IF_ERROR(log_gaps_.Find());
  for (const TimeRange& lost :
       LostTimes(scan_, admission_.AdmittedTimes(Source::kAgent).newest_ms)) {
    const absl::Status noted = log_gaps_.Add(lost);
    if (noted.ok()) continue;
    // On a full disk; the next start finds the same damage.
    spdlog::error("what the log has lost cannot be kept reason=\"{}\"",
                  std::string(noted.message()));
  }
  return absl::OkStatus();
}

absl::Status LocalStore::WaitUntilRecovered() {
  MutexLock lock(stop_mutex_);
  while (!recovered_) stop_changed_.Wait(stop_mutex_);
  return *recovered_;
}

void LocalStore::Run() {
  absl::Status recovered = Recover();
  if (!recovered.ok()) {
    spdlog::error("the store cannot be read reason=\"{}\"", std::string(recovered.message()));
    gate_.SayClosed(recovered);
  }
  {
    MutexLock lock(stop_mutex_);
    recovered_ = recovered;
    stop_changed_.NotifyAll();
  }
  if (!recovered.ok()) {
    if (options_.recovery_failed && !IsStopping()) options_.recovery_failed();
    return;
  }
  if (options_.retention_minutes_ms > 0 || options_.retention_hours_ms > 0) {
    rolling_ = std::thread([this] { MakeRollups(); });
  }
  Maintain();
}

LocalStore::~LocalStore() {
  {
    MutexLock lock(stop_mutex_);
    stopping_ = true;
    stop_changed_.NotifyAll();
  }
  if (maintenance_.joinable()) maintenance_.join();
  if (rolling_.joinable()) rolling_.join();
  committer_.reset();
}

int64_t LocalStore::OldestMs() const {
  return options_.retention_ms > 0 ? retention_time_.NowMs() - options_.retention_ms
                                   : chunk::kBeforeAllTime;
}

ByClass<int64_t> LocalStore::KeptFromMs() const {
  const int64_t last_ms = windows_.NewestMs();
  const int64_t newest_ms = std::min(last_ms, retention_time_.NowMs());
  ByClass<int64_t> kept_from_ms;
  for (size_t i = 0; i < kept_from_ms.size(); ++i) {
    const auto retention = static_cast<RetentionClass>(i);
    const int64_t retention_ms = RetentionMs(retention);
    kept_from_ms[i] = chunk::kBeforeAllTime;
    if (last_ms == chunk::kBeforeAllTime) continue;
    if (retention_ms > 0) {
      kept_from_ms[i] = newest_ms - retention_ms;
    } else if (IsRollup(retention)) {
      kept_from_ms[i] = model::kOpenEnd;
    }
  }
  return kept_from_ms;
}

int64_t LocalStore::RetentionMs(RetentionClass retention) const {
  switch (retention) {
    case RetentionClass::kRaw:
      break;
    case RetentionClass::kProcesses:
      if (options_.retention_processes_ms >= 0) return options_.retention_processes_ms;
      break;
    case RetentionClass::kMinutes:
      return options_.retention_minutes_ms;
    case RetentionClass::kHours:
      return options_.retention_hours_ms;
  }
  return options_.retention_ms;
}

absl::Status LocalStore::DiskHealth() const {
  MutexLock lock(health_mutex_);
  return disk_health_;
}

absl::Status LocalStore::Health() const {
  LL_RETURN_IF_ERROR(gate_.status());
  LL_RETURN_IF_ERROR(committer_->health());
  MutexLock lock(health_mutex_);
  return flush_health_;
}

bool LocalStore::IsStopping() {
  MutexLock lock(stop_mutex_);
  return stopping_;
}

bool LocalStore::WaitForStop() {
  MutexLock lock(stop_mutex_);
  if (!stopping_) stop_changed_.WaitFor(stop_mutex_, options_.maintenance_interval);
  return stopping_;
}

bool LocalStore::WaitForWork() {
  MutexLock lock(stop_mutex_);
  if (!stopping_ && !woken_) stop_changed_.WaitFor(stop_mutex_, options_.maintenance_interval);
  woken_ = false;
  return stopping_;
}

absl::StatusOr<std::vector<SeriesHandle>> LocalStore::ResolveEach(
    std::string_view tenant, absl::Span<const model::SeriesDefinition> series, Refusals& refusals) {
  LL_RETURN_IF_ERROR(CheckTenant(tenant));
  const uint64_t bytes = head_.definition_bytes();
  if (bytes >= options_.max_definition_bytes) {
    if (const size_t unknown = head_.CountUnknown(tenant, series); unknown > 0) {
      metrics_.series_refused.Increment(static_cast<double>(unknown));
      return absl::ResourceExhaustedError(
          fmt::format("{} new series are refused: series and entities take about {} bytes of "
                      "memory, the limit max-head-size is {}",
                      unknown, bytes, options_.max_definition_bytes));
    }
  }
  return admission_.ResolveEach(tenant, series, refusals);
}

absl::Status LocalStore::Admit(std::string_view tenant, Source source, WriteBatch& batch,
                               Refusals& refusals) {
  LL_RETURN_IF_ERROR(CheckTenant(tenant));
  LL_RETURN_IF_ERROR(CheckBatch(batch));
  return admission_.Admit(tenant, source, batch, refusals);
}

absl::Status LocalStore::CheckBatchAndHandles(std::string_view tenant,
                                              const WriteBatch& batch) const {
  LL_RETURN_IF_ERROR(CheckTenant(tenant));
  LL_RETURN_IF_ERROR(CheckBatch(batch));
  LL_RETURN_IF_ERROR(CheckTimes(batch));
  // Some more than for series, so that what is there can still be told that it ended.
  const uint64_t most_bytes = options_.max_definition_bytes / 4 * 5;
  if (!batch.entities.empty() && head_.definition_bytes() >= most_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("{} versions of entities are refused: series and entities take more than {} "
                    "bytes of memory, a quarter more than the limit max-head-size",
                    batch.entities.size(), most_bytes));
  }
  const auto unknown = head_.FirstUnknown(tenant, batch.series);
  if (!unknown) return absl::OkStatus();
  if (head_.WasReleased(*unknown)) return ReleasedError(*unknown);
  return absl::InvalidArgumentError(
      fmt::format("{} is not the handle of a series of tenant {}", *unknown, tenant));
}

void LocalStore::Append(std::string_view tenant, WriteBatch batch, Durable durable) {
  PendingBatch pending;
  pending.tenant = tenant;
  pending.durable = std::move(durable);
  pending.releases = head_.releases();
  pending.rejected = CheckBatchAndHandles(tenant, batch);
  if (pending.rejected.ok()) {
    log::AppendRecord(tenant, batch, pending.record);
    if (!batch.records.empty()) {
      log::AppendRecord(log::KeyedRecords{std::string(tenant), batch.records}, pending.record);
    }
    if (pending.record.size() > kMaxBatchBytes) {
      pending.rejected = absl::InvalidArgumentError(fmt::format(
          "a batch of {} bytes; the limit is {}", pending.record.size(), kMaxBatchBytes));
    }
  }
  pending.batch = std::move(batch);
  committer_->Submit(std::move(pending));
}

uint64_t LocalStore::LastSequence(std::string_view tenant, const WriterId& writer) const {
  return writers_.Last(tenant, writer);
}

absl::Status LocalStore::DropBefore(int64_t t_ms) {
  LL_RETURN_IF_ERROR(gate_.status());
  MutexLock lock(flush_mutex_);
  ByClass<int64_t> kept_from_ms;
  kept_from_ms.fill(t_ms);
  return flusher_->DropBefore(kept_from_ms);
}

absl::Status LocalStore::Flush() {
  LL_RETURN_IF_ERROR(gate_.status());
  MutexLock lock(flush_mutex_);
  absl::Status flushed = flusher_->Flush();
  SetFlushHealth(flushed);
  LL_RETURN_IF_ERROR(flushed);
  LL_RETURN_IF_ERROR(windows_.SettleAll());
  return flusher_->QuarantineHidden();
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const StoreOptions& options) {
  return LocalStore::Open(options);
}

}  // namespace leadline::collector::store::engine
