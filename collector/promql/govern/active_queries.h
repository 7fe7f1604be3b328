// The queries that run now, in memory and in a file: after a crash the file says which they were.
//
// The file has a line of kLineBytes for each of them, JSON and spaces up to its line feed; of more
// queries than it has lines the later ones are not in it. It is written without a sync: what the
// program leaves behind when it dies, not when the machine does. Threading: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"

#include "common/clock.h"
#include "common/fd.h"
#include "common/mutex.h"

namespace leadline::collector::promql::govern {

struct ActiveQuery {
  std::string tenant;
  std::string query;
  int64_t start_ms = 0;  // of the range that it asks for
  int64_t end_ms = 0;
  int64_t step_ms = 0;   // 0: at one time
  int64_t since_ms = 0;  // when it began
};

class ActiveQueries {
 public:
  static constexpr size_t kLineBytes = 1024;
  static constexpr size_t kLines = 64;

  // One query, until it goes. The table outlives it.
  class Entry {
   public:
    Entry(Entry&& other) noexcept;
    Entry& operator=(Entry&&) = delete;
    ~Entry();

   private:
    friend class ActiveQueries;
    Entry(ActiveQueries& all, uint64_t id) : all_(&all), id_(id) {}
    ActiveQueries* all_;
    uint64_t id_;
  };

  // `clock` outlives it. In memory alone.
  explicit ActiveQueries(const Clock& clock) : clock_(clock) {}

  // Makes the file anew and keeps it up to date from then on. Gives the lines of those that the
  // program's last run had not ended; none, with a warning, where it cannot be read. The error says
  // what could not be done with the file.
  absl::StatusOr<std::vector<std::string>> KeepIn(const std::string& file)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // The query's `since_ms` is now.
  Entry Begin(ActiveQuery query) ABSL_LOCKS_EXCLUDED(mutex_);

  // Those of the tenant, oldest first.
  std::vector<ActiveQuery> Of(std::string_view tenant) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kNoLine = SIZE_MAX;
  struct Running {
    ActiveQuery query;
    size_t line = kNoLine;
  };

  void End(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Write(size_t line, std::string_view text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<uint64_t, Running> running_ ABSL_GUARDED_BY(mutex_);  // by number, ascending in time
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  Fd file_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> used_lines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::promql::govern
