// How many queries run at a time: so many of each tenant, and so many more may wait for their turn.
//
// Threading: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/mutex.h"

namespace leadline::collector::promql::govern {

class QueryGate {
 public:
  // The turn of one query, until it goes. The gate outlives it.
  class Turn {
   public:
    Turn(Turn&& other) noexcept;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    friend class QueryGate;
    Turn(QueryGate& gate, std::string tenant) : gate_(&gate), tenant_(std::move(tenant)) {}
    QueryGate* gate_;
    std::string tenant_;
  };

  // Of each tenant.
  QueryGate(size_t running, size_t waiting) : running_(running), waiting_(waiting) {}

  // UNAVAILABLE when too many wait already, DEADLINE_EXCEEDED when it is not its turn in time (by
  // SteadyNow()), CANCELLED once that is set (nullptr: nobody can).
  absl::StatusOr<Turn> Enter(std::string_view tenant, absl::Time deadline,
                             const std::atomic<bool>* cancelled) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Tenant {
    size_t running = 0;
    size_t waiting = 0;
  };

  void Leave(const std::string& tenant) ABSL_LOCKS_EXCLUDED(mutex_);

  const size_t running_;
  const size_t waiting_;
  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, Tenant, std::less<>> tenants_ ABSL_GUARDED_BY(mutex_);  // that have any
};

}  // namespace leadline::collector::promql::govern
