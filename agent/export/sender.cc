#include "agent/export/sender.h"

#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/export/send_state.h"
#include "agent/export/session.h"

namespace leadline::agent {
namespace {

uint64_t RandomNumber() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// The collector understood and said no, which trying again will hardly change.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

}  // namespace

class Sender::Impl {
 public:
  Impl(SenderOptions options, prometheus::Registry& registry)
      : options_(std::move(options)),
        instance_(RandomNumber()),
        state_(options_.max_buffer_bytes, registry),
        backoff_(options_.backoff, instance_),
        thread_(&Impl::Run, this) {}

  void Submit(std::vector<SealedBatch> batches);
  uint64_t acknowledged_sequence() {
    MutexLock lock(state_.mutex);
    return state_.acknowledged;
  }
  bool connected() {
    MutexLock lock(state_.mutex);
    return state_.connected;
  }
  absl::Status Stop(absl::Duration timeout);

 private:
  void Run();
  bool Finished() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.mutex) {
    return state_.aborted || (state_.stopping && state_.buffer.empty());
  }
  void NoteEnd(const Session::End& end);
  void Wait(absl::Duration wait);

  const SenderOptions options_;
  const uint64_t instance_;
  SendState state_;
  Session* session_ ABSL_GUARDED_BY(state_.mutex) = nullptr;
  bool dropping_ ABSL_GUARDED_BY(state_.mutex) = false;
  bool run_ended_ ABSL_GUARDED_BY(state_.mutex) = false;
  Backoff backoff_;  // of the thread
  std::thread thread_;
};

void Sender::Impl::Submit(std::vector<SealedBatch> batches) {
  MutexLock lock(state_.mutex);
  for (SealedBatch& batch : batches) {
    state_.table.Apply(batch.sequence, batch.changes);
    const SendBuffer::Dropped dropped =
        state_.buffer.Push(batch.sequence, batch.samples, std::move(batch.wire));
    if (dropped.batches > 0) {
      state_.metrics.buffer_full.Count(dropped.batches, dropped.samples);
      // Once for a run of them; the metric has the rest.
      if (!std::exchange(dropping_, true)) {
        spdlog::error(
            "no room for more than {} bytes that collector {} has not acknowledged: "
            "dropping the oldest batches",
            options_.max_buffer_bytes, options_.collector);
      }
    } else if (state_.buffer.bytes() < options_.max_buffer_bytes / 2) {
      dropping_ = false;
    }
    state_.submitted = batch.sequence;
  }
  const auto versions_dropped = static_cast<double>(state_.table.versions_dropped());
  state_.metrics.dropped_versions.Increment(versions_dropped -
                                            state_.metrics.dropped_versions.Value());
  state_.UpdateGauges();
  state_.changed.NotifyAll();
}

void Sender::Impl::Run() {
  while (true) {
    Session session(options_, instance_, state_);
    {
      MutexLock lock(state_.mutex);
      if (Finished()) break;
      session_ = &session;
    }
    const Session::End end = session.Run();
    {
      MutexLock lock(state_.mutex);
      session_ = nullptr;
      state_.connected = false;
      if (end.status.code() == absl::StatusCode::kInvalidArgument) state_.refused = true;
      state_.UpdateGauges();
      if (Finished()) break;
    }
    if (end.acknowledged) backoff_.Reset();
    NoteEnd(end);
  }
  MutexLock lock(state_.mutex);
  run_ended_ = true;
  state_.changed.NotifyAll();
}

void Sender::Impl::NoteEnd(const Session::End& end) {
  const absl::Duration wait = backoff_.Next();
  if (!end.welcomed) state_.metrics.connect_failures.Increment();
  const std::string what =
      fmt::format("{}: {}; next attempt in {}", absl::StatusCodeToString(end.status.code()),
                  std::string(end.status.message()),
                  absl::FormatDuration(absl::Trunc(wait, absl::Milliseconds(1))));
  if (IsRefusal(end.status)) {
    state_.metrics.refusals.Increment();
    spdlog::error("collector {} refused: {}", options_.collector, what);
  } else if (end.welcomed) {
    spdlog::warn("lost collector {}: {}", options_.collector, what);
  } else {
    spdlog::warn("cannot reach collector {}: {}", options_.collector, what);
  }
  Wait(wait);
}

// Until `wait` has passed or Stop is called; a Stop that came earlier does not shorten it.
void Sender::Impl::Wait(absl::Duration wait) {
  const auto begin = std::chrono::steady_clock::now();
  MutexLock lock(state_.mutex);
  const bool was_stopping = state_.stopping;
  while (!Finished() && state_.stopping == was_stopping) {
    const absl::Duration left = wait - absl::FromChrono(std::chrono::steady_clock::now() - begin);
    if (left <= absl::ZeroDuration()) return;
    state_.changed.WaitFor(state_.mutex, left);
  }
}

absl::Status Sender::Impl::Stop(absl::Duration timeout) {
  const auto begin = std::chrono::steady_clock::now();
  {
    MutexLock lock(state_.mutex);
    state_.stopping = true;
    state_.changed.NotifyAll();
    while (!run_ended_) {
      const absl::Duration left =
          timeout - absl::FromChrono(std::chrono::steady_clock::now() - begin);
      if (left <= absl::ZeroDuration()) break;
      state_.changed.WaitFor(state_.mutex, left);
    }
    if (!run_ended_) {
      state_.aborted = true;
      state_.changed.NotifyAll();
      if (session_ != nullptr) session_->Cancel();
    }
  }
  if (thread_.joinable()) thread_.join();

  MutexLock lock(state_.mutex);
  const SendBuffer::Dropped left = state_.buffer.DropAll();
  state_.UpdateGauges();
  if (left.batches == 0) return absl::OkStatus();
  state_.metrics.shutdown.Count(left.batches, left.samples);
  return absl::DeadlineExceededError(
      fmt::format("{} batches with {} samples were not acknowledged by collector {} within {}",
                  left.batches, left.samples, options_.collector, absl::FormatDuration(timeout)));
}

std::unique_ptr<Sender> Sender::Start(SenderOptions options, prometheus::Registry& registry) {
  return std::unique_ptr<Sender>(new Sender(std::make_unique<Impl>(std::move(options), registry)));
}

Sender::Sender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Sender::~Sender() { impl_->Stop(absl::ZeroDuration()).IgnoreError(); }

void Sender::Submit(std::vector<SealedBatch> batches) { impl_->Submit(std::move(batches)); }

uint64_t Sender::acknowledged_sequence() const { return impl_->acknowledged_sequence(); }

bool Sender::connected() const { return impl_->connected(); }

absl::Status Sender::Stop(absl::Duration timeout) { return impl_->Stop(timeout); }

}  // namespace leadline::agent
