// A window: the samples and entities of one day, in a RocksDB directory of its own; or, of more
// days, what they come to by the minute or hour (rollups).
//
// Rollups are columns, each as a series of its own would be; see rollup/buckets.h. RocksDB's own
// log is off: what a window holds is durable after Sync, and until then in the log of the store.
// Samples that arrive for a time that is there already win.
//
// Errors: DATA_LOSS for damage, UNIMPLEMENTED for a newer version, RESOURCE_EXHAUSTED for a full
// disk, INTERNAL for the rest; the text has the window's path. Threading: reads from any thread;
// Write, Sync, Settle and Compact from one at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/chunk/window_time.h"
#include "collector/store/index/series_index.h"
#include "collector/store/record/buffer.h"
#include "collector/store/rollup/buckets.h"
#include "collector/store/window/blocks.h"
#include "collector/store/window/dictionary.h"
#include "collector/store/window/rocks.h"
#include "collector/store/window/rolled_up.h"
#include "collector/store/window/warm_up.h"

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
  // kRead writes nothing at all, so that it works on a full disk; of such a window only what reads
  // may be called.
  enum class Access : uint8_t { kCreate, kWrite, kRead };
  // `length_ms`: as it was made with, a multiple of kParts.
  static absl::StatusOr<std::shared_ptr<Window>> Open(const std::string& path, int64_t start_ms,
                                                      const Shared& shared, Access access,
                                                      int64_t length_ms = chunk::kWindowMs);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  int64_t start_ms() const { return start_ms_; }
  int64_t length_ms() const { return length_ms_; }
  const std::string& path() const { return path_; }
  bool is_read_only() const { return is_read_only_; }
  // How many writes of the window are durable; grows with each Sync that had something. A window
  // that has less than it had once has lost something.
  uint64_t durable_sequence() const { return durable_sequence_; }
  // Of its tables, which are nearly all of what it takes on disk (IsTable).
  uint64_t table_bytes() const;

  // To be called before writing. After an error RocksDB takes nothing until it is told to go on,
  // or has found by itself, within seconds, that a full disk has room again: UNAVAILABLE until
  // then.
  absl::Status GoOn();
  // Each series once a call. May be called again after an error.
  absl::Status Write(std::string_view tenant, const TenantChunks& chunks);
  // As Write, of a window of rollups: the buckets of each series, in place of those of the same
  // times.
  struct TenantBuckets {
    std::vector<index::DefinitionPtr> series;
    std::vector<rollup::Buckets> buckets;      // one each
    std::vector<index::TimelinePtr> entities;  // of the series
  };
  absl::Status WriteBuckets(std::string_view tenant, TenantBuckets buckets);
  // Makes what was written durable.
  absl::Status Sync();
  // Merges what writes left in pieces, of the parts that end before t.
  absl::Status Settle(int64_t before_ms);
  absl::Status Compact();

  // Reads the index and the newest samples into the cache, as far as it has room, and reads on in
  // the samples of the newest part, which the system keeps then, until `go_on` gives false.
  absl::Status WarmUp(MayReadOn go_on) const;

  // Lets go of what only writing needs in memory. As Write, from one thread at a time.
  void EndWriting() { dictionary_->Release(); }

  // As Write, and durable with it.
  absl::Status WriteRecords(std::string_view tenant, absl::Span<const model::Record> records);
  // Puts those of the filter. RESOURCE_EXHAUSTED when there are more than its limit.
  absl::Status Records(std::string_view tenant, const RecordFilter& filter,
                       record::InTime& out) const;

  // Buckets with an end in the range, and histograms in it, of some columns of each of `series`:
  // calls `use` with those of a series, by number, and a part of the window, in any order of series
  // and of each in that of time, until it returns an error, which is passed on. Other columns are
  // empty; what `use` is given is used again for the next.
  using UseBuckets = absl::FunctionRef<absl::Status(size_t number, const rollup::Buckets& buckets)>;
  absl::Status ReadBuckets(std::string_view tenant, absl::Span<const SeriesRef> series,
                           absl::Span<const rollup::Column> columns, int64_t start_ms,
                           int64_t end_ms, chunk::ReadBudget& budget, UseBuckets use) const;

  // Whether there is any sample in the part.
  absl::StatusOr<bool> HasSamples(std::string_view tenant, uint8_t part) const {
    return blocks_->Has(tenant, part);
  }

  // Which series and entities there are.
  const Dictionary& dictionary() const { return *dictionary_; }

  // See Blocks::Read.
  using TakePiece = Blocks::TakePiece;
  absl::Status Read(std::string_view tenant, absl::Span<const SeriesRef> series, int64_t start_ms,
                    int64_t end_ms, const TakePiece& take) const;

  // Of which parts rollups have all, or what it has of them.
  RolledUp& rolled_up() { return *rolled_up_; }
  const RolledUp& rolled_up() const { return *rolled_up_; }

 private:
  Window(std::string path, int64_t start_ms, int64_t length_ms, bool is_read_only,
         std::shared_ptr<rocksdb::Cache> cache);

  absl::Status CheckFormat(bool create);
  absl::Status Written(absl::Status status);
  absl::Status Damage(std::string_view what) const;

  const std::string path_;
  const int64_t start_ms_;
  const int64_t length_ms_;
  const bool is_read_only_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::atomic<uint64_t> durable_sequence_ = 0;
  std::atomic<bool> has_failed_ = false;  // a write, since the last time that it went on
  std::unique_ptr<Blocks> blocks_;
  std::unique_ptr<Dictionary> dictionary_;
  std::unique_ptr<RolledUp> rolled_up_;
};

}  // namespace leadline::collector::store::window
