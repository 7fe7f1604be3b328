#include "agent/protocols/http2/head.h"

#include "agent/protocols/http2/grpc.h"
#include "agent/protocols/normalise/http_method.h"

namespace leadline::agent::protocols::http2 {
namespace {

// "200"; 0 for what is no status.
uint16_t ParseHttpStatus(std::string_view text) {
  if (text.size() != 3) return 0;
  unsigned status = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return status >= 100 ? static_cast<uint16_t>(status) : uint16_t{0};
}

}  // namespace

bool Head::Read(base::Flow flow, std::string_view name, std::string_view value) {
  if (name.starts_with(':')) {
    if ((name == ":status") != (flow == base::Flow::kResponse)) return false;
    if (name == ":method") {
      method = normalise::KnownMethod(value);
    } else if (name == ":path") {
      path.assign(value.substr(0, kMaxPath));
    } else if (name == ":status") {
      status = ParseHttpStatus(value);
    }
  } else if (name == "content-type") {
    has_content = true;
    has_rpc_content = IsGrpcContent(value);
  } else if (name == "grpc-status" && flow == base::Flow::kResponse) {
    has_rpc_status = ParseGrpcStatus(value, rpc_status);
  }
  return true;
}

void Head::Clear() {
  method = {};
  path.clear();
  status = rpc_status = 0;
  has_rpc_status = has_content = has_rpc_content = false;
}

}  // namespace leadline::agent::protocols::http2
