// Why a session was ended by the collector: a reason to count and a status to send.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace leadline::collector::ingest {

enum class Reason : uint8_t {
  kMalformed,   // not an AgentMessage
  kTooLarge,    // a message over the limit
  kVersion,     // a protocol_version that is not spoken here
  kIdentity,    // agent_id or epoch
  kOutOfOrder,  // a message that may not come now
  kText,        // a string or an index of one
  kLabels,      // odd pairs, a bad or repeated name
  kEntity,      // an entity definition
  kUnknownRef,  // an entity or series that was not defined
  kColumns,     // columns of unequal length, refs that do not ascend or come twice
  kHistogram,   // a native histogram that is none
  kTimestamp,   // not positive, or too far ahead
  kSequence,    // a gap, or no sequence
  kLimit,       // more entities or series than a session may have
  kAgentInUse,  // another live session has the agent_id
  kTakenOver,   // another session of the agent has begun
  kStore,       // the store failed
  kToken,       // no bearer token, a wrong one or one that was revoked
  kTenant,      // its tenant has written more than it may
  kPeer,        // a question about an address that is none
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kPeer) + 1;

inline constexpr std::array<const char*, kReasons> kReasonNames = {
    "malformed",    "too_large",   "version", "identity",  "out_of_order", "text",     "labels",
    "entity",       "unknown_ref", "columns", "histogram", "timestamp",    "sequence", "limit",
    "agent_in_use", "taken_over",  "store",   "token",     "tenant",       "peer",
};
static_assert(kReasonNames.back() != nullptr, "every reason has a name");

struct Refusal {
  Reason reason;
  absl::Status status;
};

// nullopt: nothing is wrong.
using MaybeRefusal = std::optional<Refusal>;

inline Refusal Invalid(Reason reason, std::string_view text) {
  return {reason, absl::InvalidArgumentError(std::string(text))};
}

}  // namespace leadline::collector::ingest
