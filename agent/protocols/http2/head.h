// What matters of a block of header fields (RFC 9113, 8.3; gRPC over HTTP2), read field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/protocols/base/connection_info.h"

namespace leadline::agent::protocols::http2 {

struct Head {
  static constexpr size_t kMaxPath = 2048;

  std::string_view method;  // in static storage
  std::string path;         // at most kMaxPath of it
  uint16_t status = 0;      // 0: none
  uint16_t rpc_status = 0;
  bool has_rpc_status = false;
  bool has_content = false;  // its type was said
  bool has_rpc_content = false;

  // False for a field that only the other flow has.
  bool Read(base::Flow flow, std::string_view name, std::string_view value);
  void Clear();
};

}  // namespace leadline::agent::protocols::http2
