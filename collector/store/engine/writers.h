// The last durable sequence of each writer.
//
// Bounded: of one agent the newest kMaxEpochs epochs are kept. A batch of an epoch that was
// forgotten would be written again, which changes nothing, since samples are kept once by series
// and time. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "collector/store/log/record.h"
#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

inline constexpr size_t kMaxEpochs = 64;

inline bool IsNumbered(const WriterId& writer) { return writer != WriterId{}; }

class Writers {
 public:
  uint64_t Last(std::string_view tenant, const WriterId& writer) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Never goes back.
  void Advance(std::string_view tenant, const WriterId& writer, uint64_t sequence)
      ABSL_LOCKS_EXCLUDED(mutex_);
  log::WritersRecord All() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using AgentKey = std::pair<std::string, Id128>;  // tenant and agent

  mutable Mutex mutex_;
  std::map<AgentKey, std::map<uint64_t, uint64_t>> epochs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::engine
