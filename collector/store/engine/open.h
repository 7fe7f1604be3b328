// Opens the store of one collector in a directory: recovers what is there and takes writes.
//
// The directory (docs/format/): LOCK, MANIFEST, log/ (the segmented log), windows/<class>/<day>/
// (RocksDB) and quarantine/ (what was found damaged). One process at a time may have it open.
//
// Errors: FAILED_PRECONDITION when another process has the directory, UNIMPLEMENTED when a newer
// version wrote it, DATA_LOSS when the manifest is damaged; the text names the file. A damaged log
// segment or window does not stop the others: it is moved to quarantine/, logged and counted
// (leadline_collector_store_quarantined_total). Threading: the store owns a thread that writes the
// log and one that recovers and flushes; its destructor makes what was handed in durable and joins
// both. It does not flush: the next start recovers from the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/store/store.h"
#include "collector/store/tenant_limits.h"
#include "common/clock.h"

namespace prometheus {
class Registry;
}

namespace rocksdb {
class Env;
}

namespace leadline::collector::store::file {
class Files;
}

namespace leadline::collector::store::engine {

struct StoreOptions {
  std::string dir;  // made when missing
  // Samples older than this are not taken; windows are dropped that are so much older than now and
  // than the newest window. 0 keeps for ever.
  int64_t retention_ms = 0;
  // Of series of single processes; below 0: as of others.
  int64_t retention_processes_ms = -1;
  // Of rollups of a minute and of an hour. 0: none are made, and those that are there go.
  int64_t retention_minutes_ms = 0;
  int64_t retention_hours_ms = 0;
  // The oldest windows are dropped, but the newest one, when all take more. 0: never for that.
  uint64_t retention_bytes = 0;

  // What is only in memory and the log goes to windows, a shard of the head after the other, each
  // once the log has grown by this much since the last time: so much, and a shard's part, is what a
  // start has to read...
  uint64_t flush_log_bytes = 256 << 20;
  // ...or this much time has passed (by `clock`).
  int64_t flush_interval_ms = int64_t{60} * 60 * 1000;
  // Samples in memory, from which on they go to windows earlier; more where there are more series
  // than this is for, each of which takes something however few samples it has.
  uint64_t flush_sample_bytes = 64 << 20;

  // A start reads the log's frames for what writers have to be told, and then takes writes. False:
  // OpenStore returns when all of the log is in the head; true: before, queries are answered
  // UNAVAILABLE until then, and so is Health.
  bool recover_in_background = false;
  // Called from a thread of the store, once, when what is recovered in the background cannot be
  // read. Health() says why. What was taken is in the log, but none of it will be served.
  std::function<void()> recovery_failed;
  size_t replay_threads = 0;  // that put it there; 0: as many as there are processors
  // For so long at most, beside the log, a start reads the newest windows into the block cache
  // before queries are let in; 0: not at all.
  int64_t warm_up_ms = 0;

  uint64_t log_segment_bytes = 64 << 20;
  uint64_t log_queue_bytes = 64 << 20;  // Append waits above
  size_t block_cache_bytes = 64 << 20;  // shared by all windows
  size_t head_shards = 8;               // 1 to 256

  // Bounds beyond which writes are refused with RESOURCE_EXHAUSTED:
  uint64_t min_free_bytes = 64 << 20;                 // of the disk, so that windows can be written
  uint64_t max_unflushed_bytes = 1 << 30;             // of the log, when flushes fail
  uint64_t max_definition_bytes = uint64_t{2} << 30;  // of series and entities in memory, estimated

  // How often the above is looked at, and the disk and retention.
  absl::Duration maintenance_interval = absl::Seconds(1);
  // Bounds of a sample's time, see Appendable::Admit.
  int64_t max_ahead_ms = int64_t{10} * 60 * 1000;
  int64_t max_late_ms = 0;  // of Source::kOther; 0: none but retention

  TenantLimits tenant_limits;
  TenantLimitsOf limits_by_tenant;  // of those that have their own

  // All outlive the store. `registry` may be null: then its metrics are not exposed.
  prometheus::Registry* registry = nullptr;
  const Clock* clock = &SystemClock();
  file::Files* files = nullptr;        // null: the file system
  rocksdb::Env* window_env = nullptr;  // null: RocksDB's own
};

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const StoreOptions& options);

}  // namespace leadline::collector::store::engine
