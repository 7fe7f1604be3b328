// Columns of 64-bit integers: constant, linear, or bit-packed deltas or deltas of deltas, whichever
// is the smallest. Lossless for every value: differences wrap modulo 2^64.
//
// Format: docs/format/chunk.md. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: !values.empty().
void EncodeIntegers(absl::Span<const int64_t> values, std::string& out);

// Appends `count` values; reader.ok() is false afterwards when the input is malformed.
// REQUIRES: count > 0.
void DecodeIntegers(ByteReader& reader, size_t count, std::vector<int64_t>& values);

}  // namespace leadline::collector::store::codec
