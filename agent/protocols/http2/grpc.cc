#include "agent/protocols/http2/grpc.h"

#include <algorithm>
#include <iterator>

#include "agent/protocols/http2/frame.h"

namespace leadline::agent::protocols::http2 {
namespace {

struct GrpcStatus {
  std::string_view name;
  bool server_error;
};

// By number.
constexpr GrpcStatus kGrpcStatuses[] = {
    {"OK", false},
    {"CANCELLED", false},
    {"UNKNOWN", true},
    {"INVALID_ARGUMENT", false},
    {"DEADLINE_EXCEEDED", true},
    {"NOT_FOUND", false},
    {"ALREADY_EXISTS", false},
    {"PERMISSION_DENIED", false},
    {"RESOURCE_EXHAUSTED", false},
    {"FAILED_PRECONDITION", false},
    {"ABORTED", false},
    {"OUT_OF_RANGE", false},
    {"UNIMPLEMENTED", true},
    {"INTERNAL", true},
    {"UNAVAILABLE", true},
    {"DATA_LOSS", true},
    {"UNAUTHENTICATED", false},
};

constexpr size_t kMaxMethod = 160;
constexpr size_t kMessagePrefix = 5;

bool IsLetter(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'; }

// A name, or with `dots` names with dots between them.
bool IsProtoName(std::string_view text, bool dots) {
  bool begins = true;
  for (const char c : text) {
    if (c == '.' && dots && !begins) {
      begins = true;
      continue;
    }
    if (!IsLetter(c) && (begins || c < '0' || c > '9')) return false;
    begins = false;
  }
  return !begins;
}

}  // namespace

bool IsGrpcContent(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!content_type.starts_with(kType)) return false;
  content_type.remove_prefix(kType.size());
  return content_type.empty() || content_type[0] == '+' || content_type[0] == ';';
}

bool ParseGrpcStatus(std::string_view text, uint16_t& status) {
  if (text.empty() || text.size() > 4) return false;
  status = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    status = static_cast<uint16_t>(status * 10 + (c - '0'));
  }
  return true;
}

std::string_view GrpcStatusName(uint32_t status) {
  return status < std::size(kGrpcStatuses) ? kGrpcStatuses[status].name
                                           : std::string_view("_OTHER");
}

bool IsGrpcServerError(uint32_t status) {
  return status >= std::size(kGrpcStatuses) || kGrpcStatuses[status].server_error;
}

std::string_view GrpcMethod(std::string_view path) {
  if (path.empty() || path[0] != '/' || path.size() > kMaxMethod) return {};
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {};
  if (!IsProtoName(path.substr(0, slash), true)) return {};
  return IsProtoName(path.substr(slash + 1), false) ? path : std::string_view();
}

bool LooksLikeGrpcMessage(std::string_view body, uint64_t frame_bytes) {
  if (body.size() < kMessagePrefix || static_cast<unsigned char>(body[0]) > 1) return false;
  const uint64_t message = kMessagePrefix + uint64_t{ReadBe32(body.substr(1))};
  // One message, or the beginning of one that is larger than a frame.
  return message == frame_bytes || (message > frame_bytes && frame_bytes >= 16384);
}

}  // namespace leadline::agent::protocols::http2
