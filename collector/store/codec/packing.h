// Bit packing: numbers of one width, lowest bit first, padded to a byte.
//
// Unpacking loads eight bytes for each number, independently of its neighbours. Format:
// docs/format/chunk.md. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::collector::store::codec {

constexpr size_t PackedBytes(size_t count, int width) {
  return (count * static_cast<size_t>(width) + 7) / 8;
}

// The low `width` bits of each value. REQUIRES: width <= 64.
void PackBits(absl::Span<const uint64_t> values, int width, std::string& out);

// REQUIRES: width <= 64, bytes.size() == PackedBytes(out.size(), width).
void UnpackBits(std::string_view bytes, int width, absl::Span<uint64_t> out);

}  // namespace leadline::collector::store::codec
