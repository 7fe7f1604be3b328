#include "agent/export/session.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/arena.h>
#include <spdlog/spdlog.h>

#include "agent/export/channel_security.h"
#include "agent/export/definition_stream.h"
#include "common/catch_status.h"
#include "common/status_text.h"
#include "common/utf8.h"

namespace leadline::agent {
namespace {

constexpr uint32_t kProtocolVersion = 1;
constexpr uint64_t kLeastMaxMessageBytes = 1 << 20;  // what the protocol promises
// The fields around a batch.
constexpr size_t kEnvelopeBytes = 64;
// How far ahead of the clock a batch may be that was made by it.
constexpr int64_t kClockSlackMs = 60'000;

std::shared_ptr<grpc::Channel> MakeChannel(
    const SenderOptions& options, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  const int keepalive_ms = static_cast<int>(absl::ToInt64Milliseconds(options.keepalive));
  const int handshake_ms = static_cast<int>(absl::ToInt64Milliseconds(options.handshake_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_ms);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_ms / 2);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Every session connects anew, at once; the back-off between sessions is ours.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, handshake_ms);
  if (!options.security.server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.security.server_name);
  }
  return grpc::CreateCustomChannel(options.collector, credentials, arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

Session::Session(const SenderOptions& options, SendState& state)
    : options_(options), state_(state), reader_(state.spool_dir, state.spooled_definitions) {}

Session::End Session::Run() {
  const auto secrets = ReadSecrets(options_.security);
  if (!secrets.ok()) return {.status = secrets.status()};
  if (!secrets->token.empty()) context_.AddMetadata("authorization", "Bearer " + secrets->token);
  stub_ = v1::Ingest::NewStub(MakeChannel(options_, secrets->credentials));
  stream_ = stub_->Stream(&context_);
  auto reader = CatchStatus("a session with the collector",
                            [this] { return std::thread(&Session::ReadLoop, this); });
  if (!reader.ok()) {
    context_.TryCancel();
    stream_->Finish();
    return {.status = reader.status()};
  }
  const bool drained = SendHello() && AwaitWelcome() && SendBatches();
  if (drained) stream_->WritesDone();
  reader->join();
  const grpc::Status status = stream_->Finish();

  MutexLock lock(state_.mutex);
  End end{.asked = true};
  end.welcomed = welcomed_;
  end.acknowledged = acknowledged_;
  if (!failure_.ok()) {
    end.status = failure_;
  } else if (!status.ok()) {
    end.status = FromGrpc(status);
  } else if (!drained) {
    end.status = absl::UnavailableError("the collector ended the session");
  }
  return end;
}

bool Session::SendHello() {
  v1::AgentMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_protocol_version(kProtocolVersion);
  hello.set_agent_id(state_.writer.agent_id.ToBytes());
  hello.set_epoch(state_.writer.epoch);
  hello.set_instance(state_.writer.instance);
  hello.set_agent_version(options_.agent_version);
  hello.set_cluster(ToValidUtf8(options_.cluster));
  hello.set_node(ToValidUtf8(options_.node));
  hello.set_place(options_.place);
  return stream_->Write(message);
}

bool Session::AwaitWelcome() {
  const auto begin = std::chrono::steady_clock::now();
  {
    MutexLock lock(state_.mutex);
    while (!welcomed_ && !over_) {
      const absl::Duration left =
          options_.handshake_timeout - absl::FromChrono(std::chrono::steady_clock::now() - begin);
      if (left <= absl::ZeroDuration()) break;
      state_.changed.WaitFor(state_.mutex, left);
    }
    if (over_ && !welcomed_) return false;
    if (welcomed_) {
      if (zstd_window_log_ > 0) compressor_.emplace(static_cast<int>(zstd_window_log_));
      return true;
    }
  }
  Fail(absl::DeadlineExceededError(
      fmt::format("no Welcome within {}", absl::FormatDuration(options_.handshake_timeout))));
  return false;
}

bool Session::SendBatches() {
  google::protobuf::Arena arena;
  while (true) {
    arena.Reset();
    auto* message = google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
    const Next next = NextMessage(message);
    if (next != Next::kMessage) return next == Next::kDrained;
    if (message->has_batch()) state_.metrics.batches_sent.Increment();
    if (!Write(*message)) return false;  // the reader learns why
  }
}

bool Session::Write(const v1::AgentMessage& message) {
  const v1::AgentMessage* const sent = compressor_ ? &compressor_->Compress(message) : &message;
  state_.metrics.bytes_sent.Increment(static_cast<double>(sent->ByteSizeLong()));
  state_.metrics.bytes_before_compression.Increment(static_cast<double>(message.ByteSizeLong()));
  return stream_->Write(*sent);
}

Session::Next Session::NextMessage(v1::AgentMessage* message) {
  SendBuffer::Outgoing outgoing;
  bool may_be_ahead = false;
  while (true) {
    SendBuffer::Peek next;
    {
      MutexLock lock(state_.mutex);
      may_be_ahead = state_.ahead_refused;
      const Next what = AwaitSendable();
      if (what != Next::kMessage) return what;
      if (state_.peers.has_questions()) {
        state_.peers.TakeQuestions(message->mutable_peer_questions());
        return Next::kMessage;
      }
      if (!state_.table.untold_entities().empty() || !state_.table.untold_series().empty()) {
        TakeUntold(message->mutable_definitions());
        return Next::kMessage;
      }
      next = *state_.buffer.PeekNext();
      if (!next.read_from) {
        if (!spooled_definitions_.empty()) {
          *message->mutable_definitions() = std::move(spooled_definitions_.front());
          spooled_definitions_.pop_front();
          return Next::kMessage;
        }
        outgoing = *state_.buffer.Next();
        break;
      }
    }
    ReadSpooled(next);
  }
  v1::Batch& batch = *message->mutable_batch();
  if (!batch.ParseFromString(*outgoing.wire)) {
    Fail(absl::InternalError(fmt::format("batch {} cannot be read back", outgoing.sequence)));
    return Next::kOver;
  }
  batch.set_lost_batches(outgoing.lost_batches);
  batch.set_lost_samples(outgoing.lost_samples);
  if (may_be_ahead) EmptyIfAhead(batch);
  return Next::kMessage;
}

void Session::EmptyIfAhead(v1::Batch& batch) {
  const int64_t now_ms = options_.clock->NowUnixMs();
  int64_t ahead_ms = 0;
  uint64_t samples = 0;
  for (const v1::Frame& frame : batch.frames()) {
    ahead_ms = std::max(ahead_ms, frame.timestamp_unix_ms() - now_ms);
    samples += static_cast<uint64_t>(frame.integers_size() + frame.doubles_size() +
                                     frame.histograms().series_size());
  }
  if (ahead_ms <= kClockSlackMs) {
    MutexLock lock(state_.mutex);
    state_.ahead_refused = false;
    return;
  }
  batch.clear_frames();
  batch.set_lost_samples(batch.lost_samples() + samples);
  state_.metrics.ahead.Count(1, samples);
  spdlog::error(
      "batch {} is {} ms ahead of our clock, which was set back, and the collector does not take "
      "it: sent without its {} samples",
      batch.sequence(), ahead_ms, samples);
}

Session::Next Session::AwaitSendable() {
  while (true) {
    if (over_ || !failure_.ok() || state_.aborted) return Next::kOver;
    if (state_.stopping && state_.buffer.empty()) return Next::kDrained;
    if (state_.peers.has_questions()) return Next::kMessage;
    const auto next = state_.buffer.PeekNext();
    if (next && next->wire_bytes + kEnvelopeBytes > max_message_bytes_) {
      const SendBuffer::Dropped dropped = state_.buffer.DropNext();
      state_.metrics.too_large.Count(dropped.batches, dropped.samples);
      state_.UpdateGauges();
      spdlog::error("collector {} takes {} bytes, batch {} has {}: dropped with {} samples",
                    options_.collector, max_message_bytes_, next->sequence, next->wire_bytes,
                    dropped.samples);
      continue;
    }
    if (next && state_.buffer.in_flight() < window_) return Next::kMessage;
    state_.changed.Wait(state_.mutex);
  }
}

void Session::ReadSpooled(const SendBuffer::Peek& next) {
  auto read = reader_.Read(*next.read_from);
  if (!read.ok()) {
    MutexLock lock(state_.mutex);
    const SendBuffer::Dropped lost = state_.buffer.Lose(next.sequence);
    const bool was_removed = absl::IsNotFound(read.status());
    (was_removed ? state_.metrics.spool_full : state_.metrics.damaged)
        .Count(lost.batches, lost.samples);
    if (lost.batches > 0) {
      spdlog::error("batch {} is lost with {} samples: {}", next.sequence, lost.samples,
                    StatusMessage(read.status()));
    }
    return;
  }
  for (const std::string& part : read->definitions) {
    std::string_view stream = part;
    while (const auto definitions = TakeDefinitions(stream)) {
      v1::Definitions& out = spooled_definitions_.emplace_back();
      // It was written by us and its checksum is right.
      out.ParseFromArray(definitions->data(), static_cast<int>(definitions->size()));
    }
  }
  auto wire = std::make_shared<const std::string>(std::move(read->wire));
  MutexLock lock(state_.mutex);
  state_.buffer.Attach(next.sequence, std::move(wire));
}

void Session::TakeUntold(v1::Definitions* message) {
  // Under the lock, so in small portions.
  FillDefinitions(state_.table, encoder_, message);
  state_.metrics.repaired_texts.Increment(static_cast<double>(
      encoder_.repaired_texts() - std::exchange(repaired_texts_, encoder_.repaired_texts())));
  state_.metrics.left_out_labels.Increment(static_cast<double>(
      encoder_.left_out_labels() - std::exchange(left_out_labels_, encoder_.left_out_labels())));
}

void Session::ReadLoop() {
  v1::CollectorMessage message;
  while (stream_->Read(&message)) {
    absl::Status status;
    switch (message.body_case()) {
      case v1::CollectorMessage::kWelcome:
        status = HandleWelcome(message.welcome());
        break;
      case v1::CollectorMessage::kAck:
        status = HandleAck(message.ack());
        break;
      case v1::CollectorMessage::kPeerAnswers:
        status = HandlePeerAnswers(message.peer_answers());
        break;
      case v1::CollectorMessage::BODY_NOT_SET:
        break;  // of a newer collector
    }
    if (!status.ok()) Fail(std::move(status));
  }
  MutexLock lock(state_.mutex);
  over_ = true;
  state_.changed.NotifyAll();
}

absl::Status Session::HandleWelcome(const v1::Welcome& welcome) {
  const uint64_t durable = welcome.durable_sequence();
  MutexLock lock(state_.mutex);
  if (welcomed_) return absl::InternalError("the collector sent a second Welcome");
  if (welcome.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(
        fmt::format("the collector speaks protocol version {}, this agent {}",
                    welcome.protocol_version(), kProtocolVersion));
  }
  if (welcome.max_message_bytes() < kLeastMaxMessageBytes || welcome.max_batches_in_flight() == 0) {
    return absl::InternalError(
        fmt::format("the collector takes messages of {} bytes and {} batches at a time, which the "
                    "protocol does "
                    "not allow",
                    welcome.max_message_bytes(), welcome.max_batches_in_flight()));
  }
  if (durable > state_.submitted && !state_.is_replay()) {
    return absl::FailedPreconditionError(
        fmt::format("the collector has batch {} of epoch {}, of which this agent has made only {}: "
                    "the state directory is a copy or an old one; start the agent again",
                    durable, state_.writer.epoch, state_.submitted));
  }
  if (durable < state_.acknowledged) {
    spdlog::warn("collector {} has batches up to {} only, of {} that were acknowledged",
                 options_.collector, durable, state_.acknowledged);
  }
  Acknowledge(durable);
  const SendBuffer::Dropped gone = state_.buffer.BeginSession(durable);
  state_.metrics.spool_full.Count(gone.batches, gone.samples);
  state_.table.BeginSession();
  state_.peers.BeginSession(welcome.answers_peer_questions());
  max_message_bytes_ = welcome.max_message_bytes();
  window_ = welcome.max_batches_in_flight();
  zstd_window_log_ = welcome.zstd_window_log();
  DropIfRefusedTwice();
  state_.connected = welcomed_ = true;
  state_.metrics.sessions.Increment();
  state_.UpdateGauges();
  state_.changed.NotifyAll();
  spdlog::info(
      "connected to collector {} (version {}), which has batches up to {} of epoch {}; {} "
      "to send",
      options_.collector, welcome.collector_version(), durable, state_.writer.epoch,
      state_.buffer.batches());
  return absl::OkStatus();
}

absl::Status Session::HandleAck(const v1::Ack& ack) {
  MutexLock lock(state_.mutex);
  if (!welcomed_ || ack.sequence() > state_.buffer.sent_sequence()) {
    return absl::InternalError(
        fmt::format("the collector acknowledged batch {}, which was not sent", ack.sequence()));
  }
  acknowledged_ = true;
  Acknowledge(ack.sequence());
  state_.UpdateGauges();
  state_.changed.NotifyAll();
  return absl::OkStatus();
}

absl::Status Session::HandlePeerAnswers(const v1::PeerAnswers& answers) {
  MutexLock lock(state_.mutex);
  return state_.peers.OnAnswers(answers);
}

void Session::DropIfRefusedTwice() {
  if (!std::exchange(state_.refused, false)) return;
  const auto first = state_.buffer.PeekNext();
  if (!first || first->sequence != state_.suspect) {
    state_.suspect = first ? std::optional(first->sequence) : std::nullopt;
    return;
  }
  const SendBuffer::Dropped dropped = state_.buffer.DropNext();
  state_.metrics.refused.Count(dropped.batches, dropped.samples);
  state_.suspect.reset();
  spdlog::error("collector {} refused batch {} twice: dropped with {} samples", options_.collector,
                first->sequence, dropped.samples);
}

void Session::Acknowledge(uint64_t sequence) {
  if (sequence <= state_.acknowledged) return;
  const size_t before = state_.buffer.batches();
  state_.buffer.Acknowledge(sequence);
  state_.table.Acknowledge(sequence);
  state_.metrics.batches_acknowledged.Increment(
      static_cast<double>(before - state_.buffer.batches()));
  state_.acknowledged = sequence;
  if (state_.on_acknowledged) state_.on_acknowledged(sequence);
}

void Session::Fail(absl::Status status) {
  {
    MutexLock lock(state_.mutex);
    if (failure_.ok()) failure_ = std::move(status);
    state_.changed.NotifyAll();
  }
  context_.TryCancel();
}

}  // namespace leadline::agent
