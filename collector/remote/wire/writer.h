// Protocol Buffers' wire format, appended field by field.
//
// Pure functions. Source: https://protobuf.dev/programming-guides/encoding/.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/remote/wire/reader.h"
#include "common/bytes.h"

namespace leadline::collector::remote::wire {

inline void AppendTag(uint32_t field, WireType type, std::string& out) {
  AppendVarint(uint64_t{field} << 3 | static_cast<uint64_t>(type), out);
}

inline void AppendNumber(uint32_t field, uint64_t value, std::string& out) {
  AppendTag(field, WireType::kVarint, out);
  AppendVarint(value, out);
}

inline void AppendInt64(uint32_t field, int64_t value, std::string& out) {
  AppendNumber(field, static_cast<uint64_t>(value), out);
}

inline void AppendZigZag(uint32_t field, int64_t value, std::string& out) {
  AppendNumber(field, ZigZag(value), out);
}

inline void AppendDouble(uint32_t field, double value, std::string& out) {
  AppendTag(field, WireType::kFixed64, out);
  AppendFixed64(std::bit_cast<uint64_t>(value), out);
}

// Text, or a message that is there as bytes.
inline void AppendBytes(uint32_t field, std::string_view bytes, std::string& out) {
  AppendTag(field, WireType::kLength, out);
  AppendString(bytes, out);
}

inline size_t VarintBytes(uint64_t value) {
  return static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
}

}  // namespace leadline::collector::remote::wire
