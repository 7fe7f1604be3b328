// One request and its response, as parsers tell it. Nothing of a payload, header value, query
// string or literal is in it: texts are normalised (agent/protocols/normalise) or from fixed
// tables.
//
// Times are nanoseconds of the capture's clock, 0 where unknown. Sizes are bytes on the wire:
// heads, bodies and framing of the message. Views are valid during RecordSink::OnRequest only.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/base/connection_info.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols::base {

// Which of OpenTelemetry's conventions it goes by. Numbers are in recordings.
enum class RecordKind : uint8_t { kHttp, kRpc, kDb, kDns };

enum RecordFlag : uint16_t {
  kJoinedLate =
      1 << 0,  // the connection is older than its capture, and something is unknown for that
  kRequestCut = 1 << 1,   // a part of the request was not seen: its size and end are what was seen
  kResponseCut = 1 << 2,  // a part of the response was not seen
  kNoResponse = 1 << 3,   // none came, or it was not seen
  kEndEstimated =
      1 << 4,  // response_last_ns is the last byte before the next request, or before a silence
  kTextCut = 1 << 5,  // the query was longer than what is kept or captured
  // Header fields or trailers were not seen, or refer to ones that were not: the method, route or
  // status that is missing was said there.
  kFieldsUnknown = 1 << 6,
};

struct RequestRecord {
  Protocol protocol = Protocol::kUnknown;
  RecordKind kind = RecordKind::kHttp;
  Side side = Side::kClient;
  uint16_t flags = 0;       // RecordFlag
  uint64_t connection = 0;  // ConnectionInfo::id

  std::string_view version;  // of the protocol, as "1.1"; "" where it has none
  std::string_view
      operation;  // method, command, question type; "_OTHER" for one that is not in the table
  std::string_view target;  // route, query, RPC method, question name: normalised; "" where unknown
  std::string_view summary;  // of a query: operation and tables
  uint64_t fingerprint = 0;  // of the target: the same on every node; 0 for none
  std::string_view status;   // as the protocol writes it: "404", "42P01", "NXDOMAIN"; "" for none
  std::string_view error;    // OpenTelemetry's error.type; "" when it went well

  uint64_t request_first_ns = 0;
  uint64_t request_last_ns = 0;
  uint64_t response_first_ns = 0;
  uint64_t response_last_ns = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
};

class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void OnRequest(const RequestRecord& record) = 0;
};

}  // namespace leadline::agent::protocols::base
