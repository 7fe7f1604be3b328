// A window: the samples and entities of one day, in a RocksDB directory of its own.
//
// RocksDB's own log is off: what a window holds is durable after Sync, and until then in the log of
// the store. Samples that arrive for a time that is there already win.
//
// Errors: DATA_LOSS for damage, UNIMPLEMENTED for a newer version, RESOURCE_EXHAUSTED for a full
// disk, INTERNAL for the rest; the text has the window's path. Threading: reads from any thread;
// Write, Sync, Settle and Compact from one at a time. The index is built from the dictionary when
// it is first needed, and is then kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/index/series_index.h"
#include "collector/store/window/blocks.h"
#include "collector/store/window/dictionary.h"
#include "collector/store/window/rocks.h"
#include "common/mutex.h"

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// What a flush adds for one tenant.
struct TenantChunks {
  std::vector<SeriesChunks> series;
  std::vector<index::TimelinePtr> entities;  // of the series, and others to be known here
};

class Window {
 public:
  static absl::StatusOr<std::shared_ptr<Window>> Open(const std::string& path, int64_t start_ms,
                                                      const Shared& shared, bool create);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  int64_t start_ms() const { return start_ms_; }
  const std::string& path() const { return path_; }

  // Each series once a call. May be called again after an error.
  absl::Status Write(std::string_view tenant, const TenantChunks& chunks);
  // Makes what was written durable.
  absl::Status Sync();
  // Merges what writes left in pieces, of the parts of the day that end before t.
  absl::Status Settle(int64_t before_ms);
  absl::Status Compact();

  absl::StatusOr<bool> HasEntity(std::string_view tenant, const Id128& id) const;

  // Series that may match, and all of the entities in `also`.
  absl::Status Find(std::string_view tenant, const index::Matchers& matchers,
                    absl::Span<const Id128> also, std::vector<SeriesRef>& out) const;
  // See Blocks::Read.
  using TakePiece = Blocks::TakePiece;
  absl::Status Read(std::string_view tenant, absl::Span<const SeriesRef> series, int64_t start_ms,
                    int64_t end_ms, const TakePiece& take) const;
  absl::Status Timelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const;

 private:
  Window(std::string path, int64_t start_ms);

  absl::Status CheckFormat(bool create);
  absl::Status EnsureIndex() const ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckIndexed() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::Status Load(Dictionary& dictionary) const;
  absl::Status WriteRows(std::string_view tenant, const TenantChunks& chunks,
                         std::vector<SeriesRef>& refs) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Damage(std::string_view what) const;

  const std::string path_;
  const int64_t start_ms_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Blocks> blocks_;
  mutable SharedMutex mutex_;
  mutable bool indexed_ ABSL_GUARDED_BY(mutex_) = false;
  mutable Dictionary dictionary_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::window
