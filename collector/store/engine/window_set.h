// The windows that are open, by time.
//
// A window in which damage is found while it is open is hidden from queries at once, but stays in
// the set until nothing is written to it (QuarantineHidden): what a flush has written to it would
// otherwise be lost with it. Days of which something is in quarantine, or missing, are gaps for as
// long as quarantine/ has them, also after a start.
//
// On a full disk RocksDB cannot open a window but for reading, so those are that: until there is
// room and nobody reads one, which is then opened anew.
//
// Threading: any thread. A window that is dropped or quarantined stays valid for those who hold it,
// but its files go: a query that is reading it may end with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/store/engine/manifest.h"
#include "collector/store/engine/metrics.h"
#include "collector/store/engine/paths.h"
#include "collector/store/engine/window_id.h"
#include "collector/store/file/files.h"
#include "collector/store/window/window.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

class WindowSet {
 public:
  struct Options {
    size_t block_cache_bytes = 0;
    rocksdb::Env* env = nullptr;  // null: RocksDB's own
  };

  // Ownership: the arguments outlive the set.
  WindowSet(file::Files& files, const Paths& paths, const Options& options, Metrics& metrics);

  // Opens the windows that the manifest lists, quarantines those that are damaged or have less than
  // it says (other errors, such as too many open files, are passed on), and removes directories
  // that it does not list: left-overs of a flush that did not end (the log has what they hold) or
  // of a window that was being dropped. Where the manifest may be an old one they are quarantined.
  enum class Unlisted : uint8_t { kRemove, kQuarantine };
  absl::Status OpenAll(const Manifest::Windows& listed, Unlisted unlisted);

  // All of them, with what of them is durable.
  Manifest::Windows Listed() const ABSL_LOCKS_EXCLUDED(mutex_);
  // What windows take of the disk, all of their files, by their last millisecond.
  std::map<int64_t, uint64_t> Sizes() ABSL_LOCKS_EXCLUDED(mutex_);
  // Those that know which series there were, oldest first, without those that are hidden: of
  // samples, and of rollups for what is older than samples.
  std::vector<std::shared_ptr<window::Window>> Overlapping(int64_t start_ms, int64_t end_ms) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  using Opened = std::vector<std::pair<WindowId, std::shared_ptr<window::Window>>>;
  Opened KnowingById(int64_t start_ms, int64_t end_ms) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Of rollups too.
  Opened OverlappingById(int64_t start_ms, int64_t end_ms) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when there is none.
  std::shared_ptr<window::Window> Find(const WindowId& id) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Null also when it is hidden.
  std::shared_ptr<window::Window> FindShown(const WindowId& id) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Where the newest window of samples ends, since one of rollups ends long after what is in it;
  // without any, where the newest of rollups does; chunk::kBeforeAllTime when there are none.
  int64_t NewestMs() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Where windows of samples begin; model::kOpenEnd when there are none.
  int64_t OldestSamplesMs() const ABSL_LOCKS_EXCLUDED(mutex_);
  // To write to it; of those that are hidden too. UNAVAILABLE for one that is open for reading as
  // long as it is read.
  absl::StatusOr<std::shared_ptr<window::Window>> GetOrCreate(const WindowId& id)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Opens those for writing that are open for reading and not read now. Windows that turn out to be
  // damaged are hidden.
  absl::Status OpenForWriting() ABSL_LOCKS_EXCLUDED(mutex_);

  // As Window::WarmUp, of the newest windows of samples. What is damaged is for queries to find.
  void WarmUp(window::MayReadOn go_on) const ABSL_LOCKS_EXCLUDED(mutex_);

  // As Window::GoOn, of all that are open for writing.
  absl::Status GoOn() ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether the error is of a damaged window, which is hidden then, if it is in the set.
  bool HideDamaged(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_);
  // Not OK when one of them is hidden.
  absl::Status WhyHidden(const std::set<WindowId>& ids) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Moves those that are hidden to quarantine; true when there were some. REQUIRES: nobody writes.
  absl::StatusOr<bool> QuarantineHidden() ABSL_LOCKS_EXCLUDED(mutex_);
  // What is missing in the range, a text for each day.
  std::vector<std::string> Gaps(int64_t start_ms, int64_t end_ms) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Settles the parts of windows of samples that end before t. Windows that turn out to be damaged
  // are hidden.
  absl::Status Settle(int64_t before_ms) ABSL_LOCKS_EXCLUDED(mutex_);
  // Settles and compacts everything.
  absl::Status SettleAll() ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes the window out and unlinks it.
  absl::Status Drop(const WindowId& id) ABSL_LOCKS_EXCLUDED(mutex_);
  // Removes what is in quarantine of windows that end before their class' time.
  absl::Status DropQuarantined(const ByClass<int64_t>& kept_from_ms) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::string PathOf(const WindowId& id) const;
  absl::StatusOr<std::shared_ptr<window::Window>> OpenAsMayBe(const WindowId& id) const;
  absl::Status OpenForWriting(std::shared_ptr<window::Window>& window)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MoveToQuarantine(const WindowId& id, const absl::Status& why)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status NoteMissing(const WindowId& id) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ClearUnlisted(RetentionClass retention, const Manifest::Windows& listed,
                             Unlisted unlisted);
  absl::Status FindGaps() ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t SizeOf(const WindowId& id, const window::Window& window)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  file::Files& files_;
  const Paths& paths_;
  Metrics& metrics_;
  const window::Shared shared_;
  mutable Mutex mutex_;
  std::map<WindowId, std::shared_ptr<window::Window>> windows_ ABSL_GUARDED_BY(mutex_);
  std::map<WindowId, absl::Status> hidden_ ABSL_GUARDED_BY(mutex_);  // of windows_, and why
  std::set<WindowId> gaps_ ABSL_GUARDED_BY(mutex_);
  // What the files of a window took that are no tables, as long as the tables are the same.
  struct OtherFiles {
    uint64_t sequence = UINT64_MAX;
    uint64_t table_bytes = 0;
    uint64_t bytes = 0;
  };
  std::map<WindowId, OtherFiles> other_files_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::engine
