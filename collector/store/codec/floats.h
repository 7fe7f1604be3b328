// Columns of doubles: constant, integers, XOR or raw, whichever fits the data. Lossless for every
// bit pattern: NaN payloads, infinities, negative zero.
//
// Format: docs/format/chunk.md. XOR is that of Pelkonen et al., "Gorilla: A Fast, Scalable,
// In-Memory Time Series Database", VLDB 2015, section 4.1.2. Not synchronized.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: !values.empty().
void EncodeFloats(absl::Span<const double> values, std::string& out);

// Appends `count` values; reader.ok() is false afterwards when the input is malformed.
// REQUIRES: count > 0.
void DecodeFloats(ByteReader& reader, size_t count, std::vector<double>& values);

}  // namespace leadline::collector::store::codec
