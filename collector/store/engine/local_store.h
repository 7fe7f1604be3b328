// The store on local disk: the parts put together. See open.h for how to get one.
//
// Threads: the committer's (the log), and two here: one that fills the head with what the log had,
// and then flushes and drops what is past retention; and one that makes rollups.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include <prometheus/registry.h>

#include "collector/store/engine/admission.h"
#include "collector/store/engine/committer.h"
#include "collector/store/engine/flusher.h"
#include "collector/store/engine/gate.h"
#include "collector/store/engine/guarded_reader.h"
#include "collector/store/engine/log_gaps.h"
#include "collector/store/engine/metrics.h"
#include "collector/store/engine/open.h"
#include "collector/store/engine/paths.h"
#include "collector/store/engine/reader.h"
#include "collector/store/engine/recovery.h"
#include "collector/store/engine/retention.h"
#include "collector/store/engine/roller.h"
#include "collector/store/engine/tenants.h"
#include "collector/store/engine/window_id.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/engine/writers.h"
#include "collector/store/file/files.h"
#include "collector/store/head/head.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

class LocalStore final : public Store {
 public:
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  ~LocalStore() override;

  absl::StatusOr<std::vector<SeriesHandle>> ResolveEach(
      std::string_view tenant, absl::Span<const model::SeriesDefinition> series,
      Refusals& refusals) override;
  TimeRange AdmittedTimes(Source source) const override { return admission_.AdmittedTimes(source); }
  absl::Status Admit(std::string_view tenant, Source source, WriteBatch& batch,
                     Refusals& refusals) override;
  void Append(std::string_view tenant, WriteBatch batch, Durable durable) override;
  uint64_t LastSequence(std::string_view tenant, const WriterId& writer) const override;
  const Queryable& queryable() const override { return gate_; }
  absl::Status DropBefore(int64_t t_ms) override ABSL_LOCKS_EXCLUDED(flush_mutex_);
  absl::Status Flush() override ABSL_LOCKS_EXCLUDED(flush_mutex_);
  absl::Status RollUp() override ABSL_LOCKS_EXCLUDED(flush_mutex_, roll_mutex_);
  absl::Status Health() const override ABSL_LOCKS_EXCLUDED(health_mutex_);

 private:
  explicit LocalStore(const StoreOptions& options);
  // Takes the directory, and writes.
  absl::Status Start();
  // Then reads windows and the log.
  absl::Status Recover() ABSL_LOCKS_EXCLUDED(flush_mutex_);
  // Keeps what the log was found to have lost, for warnings.
  absl::Status NoteLogGaps();
  // Reads the newest windows into the cache for as long as a start may.
  void WarmUp();
  absl::Status WaitUntilRecovered() ABSL_LOCKS_EXCLUDED(stop_mutex_);
  void Run();
  void Maintain();
  // True once the store is being closed; waits for that, but not for long.
  bool WaitForStop() ABSL_LOCKS_EXCLUDED(stop_mutex_);
  // The same for the thread that flushes, which Applied may wake.
  bool WaitForWork() ABSL_LOCKS_EXCLUDED(stop_mutex_);
  bool IsStopping() ABSL_LOCKS_EXCLUDED(stop_mutex_);
  bool FlushIsDue() const;
  // From so many on samples go to windows.
  uint64_t MostSampleBytes() const;
  void FlushNextShard() ABSL_LOCKS_EXCLUDED(flush_mutex_);
  // On the log thread, when the head has more samples: wakes the thread that flushes if it wants to
  // know.
  void Applied() ABSL_LOCKS_EXCLUDED(stop_mutex_);
  // Samples before it are not taken.
  int64_t OldestMs() const;
  // What is there is kept from here on: as long before the newest window as before now, so that a
  // start with a clock that is ahead does not empty the store.
  ByClass<int64_t> KeptFromMs() const;
  int64_t RetentionMs(RetentionClass retention) const;
  absl::Status ApplyRetention() ABSL_LOCKS_EXCLUDED(flush_mutex_);
  // Makes rollups until the store is closed.
  void MakeRollups() ABSL_LOCKS_EXCLUDED(flush_mutex_, roll_mutex_);
  absl::Status QuarantineDamaged() ABSL_LOCKS_EXCLUDED(flush_mutex_);
  // What was before it has been flushed, but what comes late.
  int64_t SettledMs() const;
  void SetFlushHealth(absl::Status flushed) ABSL_LOCKS_EXCLUDED(health_mutex_);
  int64_t NowMonoMs() const { return options_.clock->NowMonoNs() / 1'000'000; }
  // True when it has room now, and had none the last time.
  bool LookAtDisk() ABSL_LOCKS_EXCLUDED(health_mutex_);
  absl::Status DiskHealth() const ABSL_LOCKS_EXCLUDED(health_mutex_);
  absl::Status CheckBatchAndHandles(std::string_view tenant, const WriteBatch& batch) const;

  const StoreOptions options_;
  mutable RetentionTime retention_time_;
  const Paths paths_;
  file::Files& files_;
  const std::unique_ptr<prometheus::Registry> own_registry_;  // when none was given
  Metrics metrics_;
  std::unique_ptr<file::FileLock> lock_;
  head::Head head_;
  Tenants tenants_;
  Admission admission_;
  Writers writers_;
  WindowSet windows_;
  LogGaps log_gaps_{files_, paths_};
  const Reader reader_;
  const GuardedReader guarded_reader_;
  Gate gate_{guarded_reader_};
  std::vector<uint64_t> checkpoints_;  // as the start found them
  LogScan scan_;                       // of the start
  Manifest::Windows listed_windows_;   // of the manifest that it found
  absl::Status manifest_damage_;       // why that was the copy
  mutable Mutex health_mutex_;
  absl::Status flush_health_ ABSL_GUARDED_BY(health_mutex_);  // of the last flush
  absl::Status disk_health_ ABSL_GUARDED_BY(health_mutex_);
  std::atomic<uint64_t> woken_above_ = UINT64_MAX;  // bytes of samples
  std::unique_ptr<Committer> committer_;            // stops before what it uses
  Mutex flush_mutex_;                               // one flush or drop at a time
  std::unique_ptr<Flusher> flusher_ ABSL_PT_GUARDED_BY(flush_mutex_);
  Mutex stop_mutex_;
  CondVar stop_changed_;
  bool stopping_ ABSL_GUARDED_BY(stop_mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(stop_mutex_) = false;
  std::optional<absl::Status> recovered_ ABSL_GUARDED_BY(stop_mutex_);
  // Of the thread that flushes: when and where the last flush of a shard was tried.
  int64_t last_flush_ms_ = 0;
  uint64_t last_flush_bytes_ = 0;
  bool flush_failed_ = false;
  absl::Status windows_opened_;  // how it went the last time
  absl::Status segment_noted_;
  absl::Status quarantined_;
  absl::Status retention_applied_;
  Mutex roll_mutex_ ABSL_ACQUIRED_BEFORE(flush_mutex_);  // one makes rollups at a time
  std::unique_ptr<Roller> roller_ ABSL_PT_GUARDED_BY(roll_mutex_);
  std::thread rolling_;  // started by maintenance_
  std::thread maintenance_;
};

}  // namespace leadline::collector::store::engine
