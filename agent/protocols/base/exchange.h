// A request on its way to being a record: what is known of it and its response so far.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/base/record.h"
#include "agent/protocols/base/short_text.h"
#include "agent/protocols/base/text_table.h"

namespace leadline::agent::protocols::base {

// What becomes of error.type.
enum class Failure : uint8_t {
  kNone,
  kStatus,   // the status says it
  kClosed,   // "connection_closed": the connection ended first
  kTimeout,  // "timeout": nobody answered
  kNamed,    // `error` is its name
};

struct Exchange {
  TextRef text;
  std::string_view operation;  // in static storage; "" for that of the text
  std::string_view version;    // in static storage
  std::string_view error;      // in static storage
  ShortText status;
  uint64_t request_first_ns = 0;
  uint64_t request_last_ns = 0;
  uint64_t response_first_ns = 0;
  uint64_t response_last_ns = 0;
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  uint32_t tag = 0;    // the parser's
  uint16_t flags = 0;  // RecordFlag
  RecordKind kind = RecordKind::kHttp;
  Failure failure = Failure::kNone;
  bool hidden = false;  // no record comes of it
  bool request_done = false;
  bool response_begun = false;
  bool response_done = false;
};

}  // namespace leadline::agent::protocols::base
