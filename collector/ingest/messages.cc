#include "collector/ingest/messages.h"

#include <utility>

#include <fmt/format.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/slice.h>

#include "common/id128.h"
#include "common/status_text.h"

namespace leadline::collector::ingest {

MaybeRefusal Decode(grpc::ByteBuffer& buffer, size_t max_bytes, google::protobuf::Arena& arena,
                    const v1::AgentMessage** message) {
  const size_t bytes = buffer.Length();
  if (bytes > max_bytes) {
    return Invalid(Reason::kTooLarge,
                   fmt::format("a message of {} bytes, at most {} are taken", bytes, max_bytes));
  }
  auto* decoded = google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
  grpc::ProtoBufferReader reader(&buffer);
  if (!reader.status().ok() || !decoded->ParseFromZeroCopyStream(&reader)) {
    return Invalid(Reason::kMalformed, fmt::format("{} bytes that are not an AgentMessage", bytes));
  }
  *message = decoded;
  return std::nullopt;
}

MaybeRefusal Expand(const v1::AgentMessage& compressed, size_t max_bytes,
                    zstd::Decompressor& stream, google::protobuf::Arena& arena,
                    const v1::AgentMessage** message, size_t* bytes) {
  const auto contents = stream.Next(compressed.compressed(), max_bytes);
  if (!contents.ok()) {
    return Invalid(
        absl::IsResourceExhausted(contents.status()) ? Reason::kTooLarge : Reason::kMalformed,
        fmt::format("compressed: {}", StatusMessage(contents.status())));
  }
  auto* decoded = google::protobuf::Arena::CreateMessage<v1::AgentMessage>(&arena);
  if (!decoded->ParseFromString(*contents)) {
    return Invalid(
        Reason::kMalformed,
        fmt::format("compressed: {} bytes that are not an AgentMessage", contents->size()));
  }
  if (decoded->has_compressed()) {
    return Invalid(Reason::kMalformed, "compressed: it holds another compressed message");
  }
  *message = decoded;
  *bytes = contents->size();
  return std::nullopt;
}

grpc::ByteBuffer Encode(const v1::CollectorMessage& message) {
  grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

v1::CollectorMessage WelcomeMessage(const Limits& limits, std::string_view collector_version,
                                    uint64_t durable_sequence, bool answers_peer_questions) {
  v1::CollectorMessage message;
  v1::Welcome& welcome = *message.mutable_welcome();
  welcome.set_protocol_version(kProtocolVersion);
  welcome.set_collector_version(std::string(collector_version));
  welcome.set_durable_sequence(durable_sequence);
  welcome.set_max_message_bytes(limits.max_message_bytes);
  welcome.set_max_batches_in_flight(limits.max_batches_in_flight);
  welcome.set_zstd_window_log(static_cast<uint32_t>(limits.zstd_window_log));
  welcome.set_answers_peer_questions(answers_peer_questions);
  return message;
}

v1::CollectorMessage AckMessage(uint64_t sequence) {
  v1::CollectorMessage message;
  message.mutable_ack()->set_sequence(sequence);
  return message;
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

MaybeRefusal ReadHello(const v1::Hello& hello, std::string_view peer, AgentClaim* claim,
                       std::string* name) {
  if (hello.protocol_version() != kProtocolVersion) {
    return Refusal{Reason::kVersion, absl::FailedPreconditionError(fmt::format(
                                         "the agent speaks protocol version {}, this collector {}",
                                         hello.protocol_version(), kProtocolVersion))};
  }
  const auto agent_id = Id128::FromBytes(hello.agent_id());
  if (!agent_id) {
    return Invalid(Reason::kIdentity,
                   fmt::format("agent_id has {} bytes, not 16", hello.agent_id().size()));
  }
  if (*agent_id == Id128{} || hello.epoch() == 0) {
    return Invalid(Reason::kIdentity, "agent_id and epoch must not be 0");
  }
  for (const auto& [field, text] :
       {std::pair("agent_version", &hello.agent_version()), std::pair("cluster", &hello.cluster()),
        std::pair("node", &hello.node())}) {
    if (text->size() <= kMaxNameBytes) continue;
    return Invalid(Reason::kText, fmt::format("{} has {} bytes, at most {} are taken", field,
                                              text->size(), kMaxNameBytes));
  }
  *claim = {*agent_id, hello.epoch(), hello.instance(), std::string(peer), hello.place()};
  *name = fmt::format("agent {} of {}/{} (epoch {}, version {}, {})", agent_id->ToHex(),
                      hello.cluster(), hello.node(), hello.epoch(), hello.agent_version(), peer);
  return std::nullopt;
}

}  // namespace leadline::collector::ingest
