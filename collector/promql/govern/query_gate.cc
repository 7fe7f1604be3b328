#include "collector/promql/govern/query_gate.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/clock.h"

namespace leadline::collector::promql::govern {
namespace {

// How often it is looked whether somebody still waits for the answer.
constexpr absl::Duration kLookInterval = absl::Milliseconds(100);

}  // namespace

QueryGate::Turn::Turn(Turn&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), tenant_(std::move(other.tenant_)) {}

QueryGate::Turn::~Turn() {
  if (gate_ != nullptr) gate_->Leave(tenant_);
}

absl::StatusOr<QueryGate::Turn> QueryGate::Enter(std::string_view name, absl::Time deadline,
                                                 const std::atomic<bool>* cancelled) {
  MutexLock lock(mutex_);
  // A tenant that waits or runs stays where it is: the map's nodes do not move.
  Tenant& tenant = tenants_.try_emplace(std::string(name)).first->second;
  absl::Status refused;
  if (tenant.running >= running_ && tenant.waiting >= waiting_) {
    return absl::UnavailableError(
        fmt::format("too many queries: {} run and {} wait, of {} (query-max-concurrency) and {} "
                    "(query-max-waiting) allowed at a time; try again later",
                    tenant.running, tenant.waiting, running_, waiting_));
  }
  ++tenant.waiting;
  while (tenant.running >= running_ && refused.ok()) {
    const absl::Time now = SteadyNow();
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
      refused = absl::CancelledError("query was canceled in query queue");
    } else if (now >= deadline) {
      refused = absl::DeadlineExceededError("query timed out in query queue");
    } else {
      changed_.WaitFor(mutex_, std::min(kLookInterval, deadline - now));
    }
  }
  --tenant.waiting;
  if (!refused.ok()) {
    if (tenant.running + tenant.waiting == 0) tenants_.erase(tenants_.find(name));
    return refused;
  }
  ++tenant.running;
  return Turn(*this, std::string(name));
}

void QueryGate::Leave(const std::string& name) {
  MutexLock lock(mutex_);
  const auto it = tenants_.find(name);
  if (--it->second.running + it->second.waiting == 0) tenants_.erase(it);
  changed_.NotifyAll();
}

}  // namespace leadline::collector::promql::govern
