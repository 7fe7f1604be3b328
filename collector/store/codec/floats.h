// Columns of doubles: decimals as integers with a few exceptions, a constant, the bits as
// integers, XOR or raw, whichever fits the data. Lossless for every bit pattern: NaN payloads,
// infinities, negative zero.
//
// Format: docs/format/chunk.md. Not synchronized.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: 1 to kMaxColumn values.
void EncodeFloats(absl::Span<const double> values, std::string& out);

// Fills `values`; reader.ok() is false afterwards when the input is malformed.
// REQUIRES: 1 to kMaxColumn values.
void DecodeFloats(ByteReader& reader, absl::Span<double> values);
// Of `count` values those from `begin` on.
// REQUIRES: begin + values.size() <= count, 1 to kMaxColumn.
void DecodeFloats(ByteReader& reader, size_t count, size_t begin, absl::Span<double> values);

// Whether what was encoded has no staleness marker for certain; false where only decoding tells.
bool HaveNoMarkers(std::string_view encoded);

// Appends `count` values.
inline void DecodeFloats(ByteReader& reader, size_t count, std::vector<double>& values) {
  const size_t before = values.size();
  values.resize(before + count);
  DecodeFloats(reader, absl::MakeSpan(values).subspan(before));
}

}  // namespace leadline::collector::store::codec
