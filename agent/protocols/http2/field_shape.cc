#include "agent/protocols/http2/field_shape.h"

namespace leadline::agent::protocols::http2 {
namespace {

using Kind = FieldShape::Kind;

constexpr uint32_t kMaxInteger = 1 << 24;

// An integer whose first byte has `bits` of it (RFC 7541, 5.1). kIndexed stands for success.
Kind ReadInteger(std::string_view bytes, size_t& at, unsigned bits, uint32_t& value) {
  if (at >= bytes.size()) return Kind::kMore;
  const uint32_t mask = (1u << bits) - 1;
  value = static_cast<unsigned char>(bytes[at++]) & mask;
  if (value < mask) return Kind::kIndexed;
  for (unsigned shift = 0; shift <= 21; shift += 7) {
    if (at >= bytes.size()) return Kind::kMore;
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value += static_cast<uint32_t>(byte & 0x7f) << shift;
    if (value > kMaxInteger) return Kind::kInvalid;
    if ((byte & 0x80) == 0) return Kind::kIndexed;
  }
  return Kind::kInvalid;
}

Kind PassString(std::string_view bytes, size_t& at) {
  uint32_t size = 0;
  if (const Kind kind = ReadInteger(bytes, at, 7, size); kind != Kind::kIndexed) return kind;
  if (size > bytes.size() - at) return Kind::kMore;
  at += size;
  return Kind::kIndexed;
}

}  // namespace

FieldShape MeasureField(std::string_view bytes) {
  FieldShape shape;
  if (bytes.empty()) return shape;
  const auto first = static_cast<unsigned char>(bytes[0]);
  Kind kind = Kind::kPlain;
  unsigned bits = 4;
  if ((first & 0x80) != 0) {
    kind = Kind::kIndexed;
    bits = 7;
  } else if ((first & 0x40) != 0) {
    kind = Kind::kAdded;
    bits = 6;
  } else if ((first & 0x20) != 0) {
    kind = Kind::kResize;
    bits = 5;
  }
  size_t at = 0;
  Kind read = ReadInteger(bytes, at, bits, shape.index);
  if (read == Kind::kIndexed && (kind == Kind::kAdded || kind == Kind::kPlain)) {
    if (shape.index == 0) read = PassString(bytes, at);
    shape.value_at = at;
    if (read == Kind::kIndexed) read = PassString(bytes, at);
  }
  if (read == Kind::kIndexed && kind == Kind::kIndexed && shape.index == 0) read = Kind::kInvalid;
  shape.kind = read == Kind::kIndexed ? kind : read;
  shape.size = at;
  return shape;
}

}  // namespace leadline::agent::protocols::http2
