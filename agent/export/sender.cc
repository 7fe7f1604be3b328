#include "agent/export/sender.h"

#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/export/replay.h"
#include "agent/export/send_state.h"
#include "agent/export/session.h"
#include "agent/export/spool_writer.h"
#include "common/catch_status.h"

namespace leadline::agent {
namespace {

uint64_t RandomNumber() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

// The collector understood and said no, which trying again will hardly change.
bool IsRefusal(const Session::End& end) {
  if (!end.asked) return false;
  switch (end.status.code()) {
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

class Sender::Impl : public SpoolListener {
 public:
  Impl(SenderOptions options, prometheus::Registry& registry)
      : options_(std::move(options)),
        registry_(registry),
        state_(options_.max_buffer_bytes,
               options_.spool_dir.empty() ? options_.max_buffer_bytes
                                          : options_.max_spooled_buffer_bytes,
               {options_.agent_id, options_.epoch, RandomNumber()}, registry),
        backoff_(options_.backoff, state_.writer.instance) {
    if (options_.spool_dir.empty()) {
      recovered_ = true;
    } else {
      state_.spool_dir = options_.spool_dir;
      AcknowledgeToSpool(state_);
      spool_ = std::make_unique<SpoolWriter>(
          SpoolWriterOptions{options_.spool_dir, options_.max_spool_bytes, state_.writer}, *this,
          registry);
    }
    thread_ = std::thread(&Impl::Run, this);
  }

  void Submit(std::vector<SealedBatch> batches);
  void AskPeers(const PeerQuestions& questions) {
    MutexLock lock(state_.mutex);
    state_.peers.Ask(questions);
    state_.changed.NotifyAll();
  }
  std::vector<PeerAnswer> TakePeerAnswers(size_t max) {
    MutexLock lock(state_.mutex);
    return state_.peers.TakeAnswers(max);
  }
  uint64_t acknowledged_sequence() {
    MutexLock lock(state_.mutex);
    return state_.acknowledged;
  }
  absl::Status AwaitAcknowledged(uint64_t sequence, absl::Duration timeout);
  bool connected();
  absl::Status Stop(absl::Duration timeout);

  void Recovered(std::vector<spool::Recovered> recovered,
                 std::shared_ptr<const spool::DefinitionIndex> definitions) override;
  void Spooled(uint64_t sequence, const spool::Location& location) override;
  void Unspooled(const spool::LostRange& range) override;

 private:
  void Run();
  // Sessions until everything of `state` is acknowledged and no more will come, or it is aborted.
  void Deliver(SendState& state);
  static bool Finished(const SendState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state.mutex) {
    return state.aborted || (state.stopping && state.buffer.empty());
  }
  void SetSession(Session* session) {
    MutexLock lock(mutex_);
    session_ = session;
  }
  // Logs and counts it; how long to wait before the next attempt.
  absl::Duration NoteEnd(const Session::End& end);
  void Wait(SendState& state, absl::Duration wait);
  void AcknowledgeToSpool(SendState& state);
  std::vector<SendState*> Replays();
  void Abort();

  const SenderOptions options_;
  prometheus::Registry& registry_;
  SendState state_;
  bool dropping_ ABSL_GUARDED_BY(state_.mutex) = false;
  Backoff backoff_;  // of the thread

  // Never held with a state's.
  Mutex mutex_;
  CondVar changed_;
  Session* session_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::vector<std::unique_ptr<SendState>> replays_ ABSL_GUARDED_BY(mutex_);
  bool recovered_ ABSL_GUARDED_BY(mutex_) = false;  // replays_ are all there
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool run_ended_ ABSL_GUARDED_BY(mutex_) = false;

  std::unique_ptr<SpoolWriter> spool_;
  std::thread thread_;
};
void Sender::Impl::AcknowledgeToSpool(SendState& state) {
  MutexLock lock(state.mutex);
  state.on_acknowledged = [this, writer = state.writer](uint64_t sequence) {
    spool_->Acknowledge(writer, sequence);
  };
}

std::vector<SendState*> Sender::Impl::Replays() {
  MutexLock lock(mutex_);
  std::vector<SendState*> replays;
  for (const auto& replay : replays_) replays.push_back(replay.get());
  return replays;
}

bool Sender::Impl::connected() {
  std::vector<SendState*> states = Replays();
  states.push_back(&state_);
  for (SendState* state : states) {
    MutexLock lock(state->mutex);
    if (state->connected) return true;
  }
  return false;
}

absl::Status Sender::Impl::AwaitAcknowledged(uint64_t sequence, absl::Duration timeout) {
  const auto begin = std::chrono::steady_clock::now();
  MutexLock lock(state_.mutex);
  while (state_.acknowledged < sequence) {
    const absl::Duration left =
        timeout - absl::FromChrono(std::chrono::steady_clock::now() - begin);
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(
          fmt::format("collector {} has not acknowledged batch {} within {}", options_.collector,
                      sequence, absl::FormatDuration(timeout)));
    }
    state_.changed.WaitFor(state_.mutex, left);
  }
  return absl::OkStatus();
}

void Sender::Impl::Submit(std::vector<SealedBatch> batches) {
  MutexLock lock(state_.mutex);
  for (SealedBatch& batch : batches) {
    const auto wire = std::make_shared<const std::string>(std::move(batch.wire));
    state_.table.Apply(batch.sequence, batch.changes);
    const SendBuffer::Dropped dropped = state_.buffer.Push(batch.sequence, batch.samples, wire);
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
    if (spool_ != nullptr) {
      spool_->Submit(batch.sequence, batch.samples, wire, std::move(batch.changes));
    }
  }
  const auto versions_dropped = static_cast<double>(state_.table.versions_dropped());
  state_.metrics.dropped_versions.Increment(versions_dropped -
                                            state_.metrics.dropped_versions.Value());
  state_.UpdateGauges();
  state_.changed.NotifyAll();
}

void Sender::Impl::Recovered(std::vector<spool::Recovered> recovered,
                             std::shared_ptr<const spool::DefinitionIndex> definitions) {
  std::vector<std::unique_ptr<SendState>> replays;
  for (const spool::Recovered& one : recovered) {
    replays.push_back(MakeReplay(one, options_.spool_dir, definitions, registry_));
    AcknowledgeToSpool(*replays.back());
  }
  MutexLock lock(mutex_);
  replays_ = std::move(replays);
  recovered_ = true;
  changed_.NotifyAll();
}

void Sender::Impl::Spooled(uint64_t sequence, const spool::Location& location) {
  MutexLock lock(state_.mutex);
  state_.buffer.Spooled(sequence, location);
  state_.UpdateGauges();
}

void Sender::Impl::Unspooled(const spool::LostRange& range) {
  std::vector<SendState*> states = Replays();
  states.push_back(&state_);
  for (SendState* state : states) {
    if (state->writer != range.writer) continue;
    MutexLock lock(state->mutex);
    const SendBuffer::Dropped dropped = state->buffer.Unspooled(range.first, range.last);
    state->metrics.spool_full.Count(dropped.batches, dropped.samples);
    if (dropped.batches > 0) {
      spdlog::error(
          "the spool in {} is full: dropped {} batches of epoch {} up to batch {}, with {} "
          "samples",
          options_.spool_dir, dropped.batches, range.writer.epoch, range.last, dropped.samples);
    }
    state->UpdateGauges();
    state->changed.NotifyAll();  // there may be nothing left to send
  }
}

void Sender::Impl::Run() {
  bool stopped = false;
  {
    MutexLock lock(mutex_);
    while (!recovered_ && !stopped_) changed_.Wait(mutex_);
    stopped = stopped_;
  }
  if (!stopped) {
    for (SendState* replay : Replays()) Deliver(*replay);
  }
  Deliver(state_);
  MutexLock lock(mutex_);
  run_ended_ = true;
  changed_.NotifyAll();
}

void Sender::Impl::Deliver(SendState& state) {
  while (true) {
    Session session(options_, state);
    {
      MutexLock lock(state.mutex);
      if (Finished(state)) return;
    }
    SetSession(&session);
    const Session::End end = session.Run();
    SetSession(nullptr);
    {
      MutexLock lock(state.mutex);
      state.connected = false;
      state.buffer.EndSession();
      if (IsRefusal(end) && absl::IsInvalidArgument(end.status)) state.refused = true;
      if (end.welcomed && absl::IsFailedPrecondition(end.status)) state.ahead_refused = true;
      state.UpdateGauges();
      if (Finished(state)) return;
    }
    if (end.acknowledged) backoff_.Reset();
    Wait(state, NoteEnd(end));
  }
}

absl::Duration Sender::Impl::NoteEnd(const Session::End& end) {
  const absl::Duration wait = backoff_.Next();
  if (!end.welcomed) state_.metrics.connect_failures.Increment();
  const std::string what =
      fmt::format("{}: {}; next attempt in {}", absl::StatusCodeToString(end.status.code()),
                  std::string(end.status.message()),
                  absl::FormatDuration(absl::Trunc(wait, absl::Milliseconds(1))));
  if (!end.asked) {
    spdlog::error("cannot connect to collector {}: {}", options_.collector, what);
  } else if (IsRefusal(end)) {
    state_.metrics.refusals.Increment();
    spdlog::error("collector {} refused: {}", options_.collector, what);
  } else if (end.welcomed) {
    spdlog::warn("lost collector {}: {}", options_.collector, what);
  } else {
    spdlog::warn("cannot reach collector {}: {}", options_.collector, what);
  }
  return wait;
}

// Until `wait` has passed or Stop is called; a Stop that came earlier does not shorten it.
void Sender::Impl::Wait(SendState& state, absl::Duration wait) {
  const auto begin = std::chrono::steady_clock::now();
  MutexLock lock(state.mutex);
  const bool was_stopping = state.stopping;
  while (!Finished(state) && state.stopping == was_stopping) {
    const absl::Duration left = wait - absl::FromChrono(std::chrono::steady_clock::now() - begin);
    if (left <= absl::ZeroDuration()) return;
    state.changed.WaitFor(state.mutex, left);
  }
}

void Sender::Impl::Abort() {
  std::vector<SendState*> states = Replays();
  states.push_back(&state_);
  for (SendState* state : states) {
    MutexLock lock(state->mutex);
    state->aborted = true;
    state->changed.NotifyAll();
  }
  MutexLock lock(mutex_);
  if (session_ != nullptr) session_->Cancel();
}

absl::Status Sender::Impl::Stop(absl::Duration timeout) {
  const auto begin = std::chrono::steady_clock::now();
  {
    MutexLock lock(state_.mutex);
    state_.stopping = true;
    state_.changed.NotifyAll();
  }
  bool run_ended = false;
  {
    MutexLock lock(mutex_);
    while (!run_ended_) {
      const absl::Duration left =
          timeout - absl::FromChrono(std::chrono::steady_clock::now() - begin);
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, left);
    }
    run_ended = run_ended_;
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (!run_ended) Abort();
  if (thread_.joinable()) thread_.join();
  if (spool_ != nullptr) spool_->Stop();

  MutexLock lock(state_.mutex);
  const size_t unacknowledged = state_.buffer.batches();
  const SendBuffer::Dropped left = state_.buffer.DropAll();
  state_.UpdateGauges();
  if (unacknowledged > left.batches) {
    spdlog::info("{} batches that collector {} has not acknowledged wait in {} for the next start",
                 unacknowledged - left.batches, options_.collector, options_.spool_dir);
  }
  if (left.batches == 0) return absl::OkStatus();
  state_.metrics.shutdown.Count(left.batches, left.samples);
  return absl::DeadlineExceededError(
      fmt::format("{} batches with {} samples were not acknowledged by collector {} within {}",
                  left.batches, left.samples, options_.collector, absl::FormatDuration(timeout)));
}

absl::StatusOr<std::unique_ptr<Sender>> Sender::Start(SenderOptions options,
                                                      prometheus::Registry& registry) {
  return CatchStatus("start sending", [&] {
    return std::unique_ptr<Sender>(
        new Sender(std::make_unique<Impl>(std::move(options), registry)));
  });
}

Sender::Sender(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Sender::~Sender() { impl_->Stop(absl::ZeroDuration()).IgnoreError(); }

void Sender::AskPeers(const PeerQuestions& questions) { impl_->AskPeers(questions); }

std::vector<PeerAnswer> Sender::TakePeerAnswers(size_t max) { return impl_->TakePeerAnswers(max); }

void Sender::Submit(std::vector<SealedBatch> batches) { impl_->Submit(std::move(batches)); }

uint64_t Sender::acknowledged_sequence() const { return impl_->acknowledged_sequence(); }

absl::Status Sender::AwaitAcknowledged(uint64_t sequence, absl::Duration timeout) {
  return impl_->AwaitAcknowledged(sequence, timeout);
}

bool Sender::connected() const { return impl_->connected(); }

absl::Status Sender::Stop(absl::Duration timeout) { return impl_->Stop(timeout); }

}  // namespace leadline::agent
