#include "agent/protocols/http2/frame.h"

#include <iterator>

namespace leadline::agent::protocols::http2 {
namespace {

constexpr std::string_view kErrorNames[] = {
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};

}  // namespace

uint32_t ReadBe32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

Frame ReadFrame(std::string_view bytes) {
  return {.length = ReadBe32(bytes) >> 8,
          .stream = ReadBe32(bytes.substr(5)),
          .type = static_cast<uint8_t>(bytes[3]),
          .flags = static_cast<uint8_t>(bytes[4])};
}

bool BeginsWithFrame(std::string_view bytes, uint64_t total,
                     absl::FunctionRef<bool(uint32_t stream)> is_open) {
  size_t frames = 0;
  uint64_t at = 0;
  uint32_t first_stream = 0;
  while (at + LL_HTTP2_FRAME_HEADER <= bytes.size()) {
    const Frame frame = ReadFrame(bytes.substr(static_cast<size_t>(at)));
    if (frame.type > LL_HTTP2_CONTINUATION && frames > 1) return true;  // an extension's
    if (ll_http2_is_plausible(frame.length, frame.type, frame.flags, frame.stream) == 0) {
      return false;
    }
    if (++frames == 1) first_stream = frame.stream;
    at += LL_HTTP2_FRAME_HEADER + frame.length;
  }
  if (frames == 0) return false;
  return at == total || frames > 1 || (first_stream != 0 && is_open(first_stream));
}

std::string_view ErrorName(uint32_t code) {
  return code < std::size(kErrorNames) ? kErrorNames[code] : std::string_view("_OTHER");
}

}  // namespace leadline::agent::protocols::http2
