// Work in parts on several threads, whose results are used one after the other, in order.
//
// The caller's thread uses the results and makes those that nobody else has begun, so it goes on
// whether the pool has time or not. What is made ahead is bounded.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/mutex.h"
#include "common/worker_pool.h"

namespace leadline::collector::promql::exec {

// Makes parts 0 to count - 1, on the caller's thread and on up to `helpers` of the pool's (which
// may be null), and hands them to `use` in order. The first error in that order ends it. `make` is
// called by several threads; nothing calls it once this has returned.
template <typename Part>
class InOrder {
 public:
  using Make = absl::FunctionRef<absl::StatusOr<Part>(size_t number)>;
  using Use = absl::FunctionRef<absl::Status(Part part)>;

  static absl::Status Run(WorkerPool* pool, size_t helpers, size_t count, Make make, Use use) {
    if (pool == nullptr || helpers == 0 || count < 2) {
      for (size_t number = 0; number < count; ++number) {
        absl::StatusOr<Part> part = make(number);
        if (!part.ok()) return std::move(part).status();
        if (absl::Status used = use(*std::move(part)); !used.ok()) return used;
      }
      return absl::OkStatus();
    }
    const auto state = std::make_shared<InOrder>(count, kAhead * (helpers + 1), make);
    absl::Status status;
    for (size_t number = 0; number < count && status.ok(); ++number) {
      InOrder::Help(state, *pool, helpers);
      absl::StatusOr<Part> part = state->Take(number);
      status = part.ok() ? use(*std::move(part)) : std::move(part).status();
    }
    state->Close();
    return status;
  }

  InOrder(size_t count, size_t ahead, Make make) : count_(count), make_(make), parts_(ahead) {}

 private:
  static constexpr size_t kAhead = 2;  // parts a thread

  // Whether there is a part that nobody has begun and that may be made already.
  bool HasNext() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !closed_ && next_ < count_ && next_ - used_ < parts_.size();
  }

  void MakeNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const size_t number = next_++;
    mutex_.Unlock();
    absl::StatusOr<Part> part = make_(number);
    mutex_.Lock();
    parts_[number % parts_.size()].emplace(std::move(part));
    changed_.NotifyAll();
  }

  // Asks the pool for the help that is of use.
  static void Help(const std::shared_ptr<InOrder>& state, WorkerPool& pool, size_t helpers) {
    {
      MutexLock lock(state->mutex_);
      if (state->helpers_ >= helpers || !state->HasNext()) return;
      ++state->helpers_;
    }
    pool.Post([state] { state->WorkAlong(); });
  }

  void WorkAlong() {
    MutexLock lock(mutex_);
    ++working_;
    while (HasNext()) MakeNext();
    --working_;
    --helpers_;
    changed_.NotifyAll();
  }

  absl::StatusOr<Part> Take(size_t number) {
    MutexLock lock(mutex_);
    std::optional<absl::StatusOr<Part>>& part = parts_[number % parts_.size()];
    while (!part.has_value()) {
      if (HasNext()) {
        MakeNext();
      } else {
        changed_.Wait(mutex_);
      }
    }
    absl::StatusOr<Part> taken = *std::move(part);
    part.reset();
    ++used_;
    return taken;
  }

  // Nothing is begun after that, and what was has ended.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    while (working_ > 0) changed_.Wait(mutex_);
  }

  const size_t count_;
  const Make make_;
  Mutex mutex_;
  CondVar changed_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // to be made
  size_t used_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t helpers_ ABSL_GUARDED_BY(mutex_) = 0;  // asked for
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  // Made and not used, by number modulo their count.
  std::vector<std::optional<absl::StatusOr<Part>>> parts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::promql::exec
