// Between the bytes of a stream and its messages, and what a Hello must be.
//
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include <google/protobuf/arena.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "collector/ingest/agent_registry.h"
#include "collector/ingest/limits.h"
#include "collector/ingest/refusal.h"
#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::collector::ingest {

// Consumes the buffer; the message belongs to the arena. Refuses what is over `max_bytes` and what
// is no AgentMessage.
MaybeRefusal Decode(grpc::ByteBuffer& buffer, size_t max_bytes, google::protobuf::Arena& arena,
                    const v1::AgentMessage** message);

// The message that a compressed one holds; it belongs to the arena, `bytes` is its size.
MaybeRefusal Expand(const v1::AgentMessage& compressed, size_t max_bytes,
                    zstd::Decompressor& stream, google::protobuf::Arena& arena,
                    const v1::AgentMessage** message, size_t* bytes);

grpc::ByteBuffer Encode(const v1::CollectorMessage& message);
v1::CollectorMessage WelcomeMessage(const Limits& limits, std::string_view collector_version,
                                    uint64_t durable_sequence, bool answers_peer_questions);
v1::CollectorMessage AckMessage(uint64_t sequence);
grpc::Status ToGrpc(const absl::Status& status);

// Whom the agent claims to be, and how logs name it. Refuses a protocol that is not spoken here and
// an identity that is none.
MaybeRefusal ReadHello(const v1::Hello& hello, std::string_view peer, AgentClaim* claim,
                       std::string* name);

}  // namespace leadline::collector::ingest
