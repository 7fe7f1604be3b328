#include "collector/ingest/session.h"

#include <utility>

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <spdlog/spdlog.h>

#include "collector/ingest/messages.h"
#include "collector/ingest/peer_messages.h"
#include "collector/ingest/translate.h"

namespace leadline::collector::ingest {
namespace {

constexpr size_t kArenaBlockBytes = 64 << 10;
// Series that the store refused are asked for again after this.
constexpr int64_t kAskAgainNs = int64_t{10} * 1'000'000'000;
// An answer is some 400 bytes without strings that are told once.
constexpr size_t kPeerAnswersAtOnce = 1024;

Refusal OutOfOrder(const char* what) {
  return {Reason::kOutOfOrder, absl::FailedPreconditionError(what)};
}

}  // namespace

std::shared_ptr<Session> Session::Start(std::shared_ptr<IngestContext> context, std::string peer,
                                        std::optional<tls::TokenHash> token) {
  std::shared_ptr<Session> session(new Session(std::move(context), std::move(peer), token));
  session->self_ = session;
  if (auto refusal = session->CheckToken()) session->Refuse(*refusal);
  session->AdvanceAndRelease();
  return session;
}

Session::Session(std::shared_ptr<IngestContext> context, std::string peer,
                 std::optional<tls::TokenHash> token)
    : context_(std::move(context)),
      peer_(std::move(peer)),
      token_(token),
      tables_(context_->limits) {
  context_->metrics.sessions.Increment();
}

Session::~Session() { context_->metrics.sessions.Decrement(); }

void Session::Close(absl::Status status) {
  {
    MutexLock lock(mutex_);
    CloseLocked(std::move(status));
  }
  AdvanceAndRelease();
}

// --- gRPC's reactions ---

void Session::OnReadDone(bool ok) {
  {
    MutexLock lock(mutex_);
    reading_ = false;
    if (!ok) {
      CloseLocked(absl::OkStatus());  // the agent has said all it has to say
    } else if (!closing_) {
      Post(Task::kMessage);
    }
  }
  AdvanceAndRelease();
}

void Session::OnWriteDone(bool ok) {
  {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
  }
  AdvanceAndRelease();
}

void Session::OnCancel() {
  {
    MutexLock lock(mutex_);
    broken_ = true;
    CloseLocked(absl::CancelledError("the connection is lost"));
  }
  AdvanceAndRelease();
}

void Session::OnDone() { const std::shared_ptr<Session> self = std::move(self_); }

// --- The agent's identity ---

void Session::Granted() {
  {
    MutexLock lock(mutex_);
    granted_ = true;
    if (!closing_ && !processing_) Post(Task::kWelcome);
  }
  AdvanceAndRelease();
}

void Session::TakenOver(const AgentClaim& by) {
  context_->metrics.takeovers.Increment();
  Refuse({Reason::kTakenOver,
          absl::AbortedError(fmt::format("the agent has another session, from {} with epoch {}",
                                         by.peer, by.epoch))});
}

// --- The worker's part ---

void Session::Post(Task task) {
  processing_ = true;
  context_->workers->Post([self = shared_from_this(), task]() { self->Process(task); });
}

void Session::Process(Task task) {
  if (task == Task::kWelcome) {
    Welcome();
  } else if (auto refusal = HandleMessage()) {
    Refuse(*refusal);
  }
  {
    MutexLock lock(mutex_);
    processing_ = false;
    if (phase_ == Phase::kClaiming && granted_ && !closing_) Post(Task::kWelcome);
  }
  AdvanceAndRelease();
}

void Session::Welcome() {
  last_sequence_ = context_->store->LastSequence(context_->tenant, writer_);
  spdlog::info("{} connected, has batches up to {}", Name(), last_sequence_);
  if (is_of_cluster_) {
    peers_ = cluster::Directory::Inquire(context_->directory, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->OnPeerAnswers();
    });
  }
  MutexLock lock(mutex_);
  phase_ = Phase::kOpen;
  durable_sequence_ = last_sequence_;
  welcome_ = last_sequence_;
}

MaybeRefusal Session::CheckToken() {
  if (context_->tokens == nullptr) return std::nullopt;
  std::shared_ptr<const tls::TokenList> tokens = context_->tokens->Get();
  if (tokens == checked_tokens_) return std::nullopt;
  if (token_.has_value() && tokens->Contains(*token_)) {
    checked_tokens_ = std::move(tokens);
    return std::nullopt;
  }
  return Refusal{Reason::kToken,
                 absl::UnauthenticatedError(
                     !token_.has_value() ? "a bearer token is needed: --collector-token-file"
                     : checked_tokens_ != nullptr ? "the bearer token is no longer valid"
                                                  : "the bearer token is not valid")};
}

MaybeRefusal Session::HandleMessage() {
  grpc::ByteBuffer buffer;
  buffer.Swap(&read_buffer_);
  size_t bytes = buffer.Length();
  context_->metrics.received_bytes.Increment(static_cast<double>(bytes));
  if (auto refusal = CheckToken()) return refusal;
  google::protobuf::ArenaOptions arena_options;
  arena_options.start_block_size = kArenaBlockBytes;
  google::protobuf::Arena arena(arena_options);
  const v1::AgentMessage* message = nullptr;
  if (auto refusal = Decode(buffer, context_->limits.max_message_bytes, arena, &message)) {
    return refusal;
  }
  Phase phase;
  {
    MutexLock lock(mutex_);
    phase = phase_;
  }
  if ((phase == Phase::kHello) != message->has_hello()) {
    return OutOfOrder(phase == Phase::kHello ? "the first message is no Hello" : "a second Hello");
  }
  if (message->has_compressed() && context_->limits.zstd_window_log > 0) {
    if (!compressed_) compressed_.emplace(context_->limits.zstd_window_log);
    if (auto refusal = Expand(*message, context_->limits.max_message_bytes, *compressed_, arena,
                              &message, &bytes)) {
      return refusal;
    }
    if (message->has_hello()) return OutOfOrder("a second Hello");
  }
  switch (message->body_case()) {
    case v1::AgentMessage::kHello:
      return HandleHello(message->hello());
    case v1::AgentMessage::kDefinitions:
      return HandleDefinitions(message->definitions());
    case v1::AgentMessage::kBatch:
      return HandleBatch(message->batch(), bytes);
    case v1::AgentMessage::kPeerQuestions:
      return HandlePeerQuestions(message->peer_questions());
    case v1::AgentMessage::kCompressed:
      return OutOfOrder("a compressed message, which the Welcome did not allow");
    case v1::AgentMessage::BODY_NOT_SET:
      break;  // of a newer agent
  }
  return std::nullopt;
}

MaybeRefusal Session::HandleHello(const v1::Hello& hello) {
  std::string name;
  if (auto refusal = ReadHello(hello, peer_, &claim_, &name)) return refusal;
  writer_ = {claim_.agent_id, claim_.epoch};
  // Another cluster's pods may have the same addresses.
  is_of_cluster_ = context_->directory != nullptr && hello.cluster() == context_->cluster;
  {
    MutexLock lock(mutex_);
    agent_name_ = std::move(name);
    phase_ = Phase::kClaiming;
    claimed_ = true;
  }
  if (auto refusal = context_->agents.Claim(shared_from_this(), claim_)) {
    MutexLock lock(mutex_);
    claimed_ = false;
    return refusal;
  }
  return std::nullopt;
}

MaybeRefusal Session::HandleDefinitions(const v1::Definitions& definitions) {
  SessionTables::Unresolved defined;
  if (auto refusal = tables_.Define(definitions, &defined)) return refusal;
  if (defined.series.empty()) return std::nullopt;
  if (!refused_.refs.empty()) refused_.Forget(defined.refs);
  return Resolve(std::move(defined));
}

MaybeRefusal Session::Resolve(SessionTables::Unresolved asked) {
  store::Refusals refusals;
  const auto handles = context_->store->ResolveEach(context_->tenant, asked.series, refusals);
  if (!handles.ok()) return Refusal{Reason::kStore, handles.status()};
  tables_.SetHandles(asked.refs, *handles);
  if (refusals.empty()) return std::nullopt;
  spdlog::warn("{} has series that are refused: {}", Name(),
               std::string(refusals.ToStatus().message()));
  refused_asked_mono_ns_ = context_->clock->NowMonoNs();
  for (size_t i = 0; i < handles->size(); ++i) {
    if ((*handles)[i] != store::kNoSeries) continue;
    refused_.refs.push_back(asked.refs[i]);
    refused_.series.push_back(std::move(asked.series[i]));
  }
  return std::nullopt;
}

MaybeRefusal Session::ResolveRefused() {
  if (refused_.refs.empty() ||
      context_->clock->NowMonoNs() - refused_asked_mono_ns_ < kAskAgainNs) {
    return std::nullopt;
  }
  return Resolve(std::exchange(refused_, {}));
}

MaybeRefusal Session::CheckSequence(const v1::Batch& message) const {
  const uint64_t sequence = message.sequence();
  if (sequence == 0) return Invalid(Reason::kSequence, "a batch without a sequence");
  if (sequence <= last_sequence_) return std::nullopt;
  if (message.lost_batches() >= sequence ||
      sequence - message.lost_batches() != last_sequence_ + 1) {
    return Refusal{Reason::kSequence, absl::FailedPreconditionError(fmt::format(
                                          "batch {} with {} lost before it comes after batch {}",
                                          sequence, message.lost_batches(), last_sequence_))};
  }
  return std::nullopt;
}

MaybeRefusal Session::HandleBatch(const v1::Batch& message, size_t bytes) {
  const uint64_t sequence = message.sequence();
  if (auto refusal = CheckSequence(message)) return refusal;
  if (sequence <= last_sequence_) {
    context_->metrics.duplicate_batches.Increment();
    MutexLock lock(mutex_);
    if (sequence <= durable_sequence_) ack_due_ = true;
    return std::nullopt;
  }
  if (auto refusal = ResolveRefused()) return refusal;
  store::WriteBatch batch;
  uint64_t samples = 0;
  const int64_t newest_ms =
      context_->clock->NowUnixMs() + absl::ToInt64Milliseconds(context_->limits.max_ahead);
  if (auto refusal = Translate(message, newest_ms, tables_, &batch, &samples)) {
    refusal->status =
        absl::Status(refusal->status.code(),
                     fmt::format("batch {}: {}", sequence, std::string(refusal->status.message())));
    return refusal;
  }
  store::Refusals refused;  // counted by the store
  if (absl::Status admitted =
          context_->store->Admit(context_->tenant, store::Source::kAgent, batch, refused);
      !admitted.ok()) {
    const bool over_rate = absl::IsResourceExhausted(admitted);
    return Refusal{over_rate ? Reason::kTenant : Reason::kStore, std::move(admitted)};
  }
  if (message.lost_batches() > 0 || message.lost_samples() > 0) CountLost(message);
  if (message.lost_batches() > 0) FillGap();
  last_sequence_ = sequence;
  context_->metrics.batches.Increment();
  context_->metrics.samples.Increment(static_cast<double>(samples));
  Append(std::move(batch), bytes);
  return std::nullopt;
}

MaybeRefusal Session::HandlePeerQuestions(const v1::PeerQuestions& message) {
  PeerQuestions questions;
  if (auto refusal = ReadPeerQuestions(message, &questions)) return refusal;
  if (peers_ == nullptr) return std::nullopt;
  peers_->Forget(questions.forgotten);
  const size_t refused = peers_->Ask(questions.asked);
  if (refused > 0 && !std::exchange(warned_of_peers_, true)) {
    spdlog::warn("{} asks for more addresses than are answered: {} are left out", Name(), refused);
  }
  return std::nullopt;
}

void Session::CountLost(const v1::Batch& message) {
  spdlog::warn("{} has lost {} samples, of the {} batches before batch {} or of that one", Name(),
               message.lost_samples(), message.lost_batches(), message.sequence());
  context_->metrics.lost_batches.Increment(static_cast<double>(message.lost_batches()));
  context_->metrics.lost_samples.Increment(static_cast<double>(message.lost_samples()));
}

void Session::FillGap() {
  // The store lets nothing pass a batch that failed, which may be the first of the lost.
  store::WriteBatch empty;
  empty.sequence = last_sequence_ + 1;
  Append(std::move(empty), 0);
}

void Session::Append(store::WriteBatch batch, size_t bytes) {
  const uint64_t sequence = batch.sequence;
  batch.writer = writer_;
  context_->metrics.batches_in_flight.Increment();
  {
    MutexLock lock(mutex_);
    in_flight_.Add({sequence, bytes, context_->clock->NowMonoNs()});
  }
  context_->store->Append(context_->tenant, std::move(batch),
                          [self = shared_from_this(), sequence](const absl::Status& status) {
                            self->OnDurable(sequence, status);
                          });
}

void Session::Refuse(const Refusal& refusal) {
  context_->metrics.CountRefusal(refusal.reason);
  spdlog::warn("{} refused ({}): {}", Name(), kReasonNames[static_cast<size_t>(refusal.reason)],
               std::string(refusal.status.message()));
  Close(refusal.status);
}

// --- The store's part ---

void Session::OnDurable(uint64_t sequence, const absl::Status& status) {
  context_->metrics.batches_in_flight.Decrement();
  bool first_failure = false;
  {
    MutexLock lock(mutex_);
    if (!status.ok()) first_failure = !std::exchange(store_failed_, true);
    in_flight_.Answer(sequence);
    while (const auto batch = in_flight_.TakeAnswered()) {
      if (store_failed_) continue;
      durable_sequence_ = batch->sequence;
      ack_due_ = true;
      context_->metrics.durable_seconds.Observe(
          static_cast<double>(context_->clock->NowMonoNs() - batch->received_mono_ns) / 1e9);
    }
  }
  if (first_failure) {
    Refuse({Reason::kStore,
            absl::Status(status.code(), fmt::format("batch {}: the store: {}", sequence,
                                                    std::string(status.message())))});
  } else {
    AdvanceAndRelease();
  }
}

void Session::OnPeerAnswers() {
  {
    MutexLock lock(mutex_);
    peer_answers_due_ = true;
  }
  AdvanceAndRelease();
}

// --- The state machine ---

void Session::CloseLocked(absl::Status status) {
  if (closing_) return;
  closing_ = true;
  close_status_ = std::move(status);
}

bool Session::Advance() {
  MaybeRead();
  MaybeWrite();
  MaybeFinish();
  const bool done = closing_ && !processing_ && in_flight_.empty();
  if (!done || released_) return false;
  released_ = true;
  return claimed_;
}

void Session::AdvanceAndRelease() {
  bool release = false;
  bool ended = false;
  {
    MutexLock lock(mutex_);
    ended = closing_ && claimed_ && !released_;
    release = Advance();
  }
  if (release) {
    context_->agents.Release(claim_.agent_id, this);
  } else if (ended) {
    context_->agents.Ended(claim_.agent_id, this);
  }
}

bool Session::HasRoom() const {
  return in_flight_.count() < context_->limits.max_batches_in_flight &&
         in_flight_.bytes() < context_->limits.max_bytes_in_flight;
}

void Session::MaybeRead() {
  if (closing_ || reading_ || processing_ || phase_ == Phase::kClaiming) return;
  if (!HasRoom()) {
    if (!std::exchange(stalled_, true)) context_->metrics.stalls.Increment();
    return;
  }
  stalled_ = false;
  reading_ = true;
  StartRead(&read_buffer_);
}

void Session::MaybeWrite() {
  if (writing_ || finished_ || broken_) return;
  if (welcome_) {
    write_buffer_ =
        Encode(WelcomeMessage(context_->limits, context_->version, *welcome_, peers_ != nullptr));
    welcome_.reset();
  } else if (ack_due_) {
    write_buffer_ = Encode(AckMessage(durable_sequence_));
    ack_due_ = false;
  } else if (peer_answers_due_ && !closing_) {
    const std::vector<cluster::Answer> answers = peers_->Take(kPeerAnswersAtOnce);
    peer_answers_due_ = answers.size() == kPeerAnswersAtOnce;
    if (answers.empty()) return;
    write_buffer_ = Encode(PeerAnswersMessage(answers));
  } else {
    return;
  }
  writing_ = true;
  StartWrite(&write_buffer_);
}

void Session::MaybeFinish() {
  if (!closing_ || finished_ || processing_) return;
  // Those who hear the end have heard of everything that is durable before it.
  const bool settled = in_flight_.empty() && !writing_ && !ack_due_ && !welcome_;
  if (!settled && !broken_ && !store_failed_) return;
  finished_ = true;
  Finish(ToGrpc(close_status_));
}

std::string Session::Name() const {
  MutexLock lock(mutex_);
  return agent_name_.empty() ? fmt::format("a stream from {}", peer_) : agent_name_;
}

}  // namespace leadline::collector::ingest
