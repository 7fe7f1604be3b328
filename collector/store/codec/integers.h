// Columns of 64-bit integers, as differences from what is predicted: from one number, from the
// value before, or from the difference before; divided by what all have in common. Whichever is the
// smallest. Lossless for every value: differences wrap modulo 2^64.
//
// Format: docs/format/chunk.md. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "collector/store/codec/residuals.h"
#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: 1 to kMaxColumn values.
void EncodeIntegers(absl::Span<const int64_t> values, std::string& out);

// Fills `values`; reader.ok() is false afterwards when the input is malformed, and they are any.
// REQUIRES: 1 to kMaxColumn values.
void DecodeIntegers(ByteReader& reader, absl::Span<int64_t> values);

// Whether each is greater than the one before.
bool Ascend(absl::Span<const int64_t> values);

// Appends `count` values.
inline void DecodeIntegers(ByteReader& reader, size_t count, std::vector<int64_t>& values) {
  const size_t before = values.size();
  values.resize(before + count);
  DecodeIntegers(reader, absl::MakeSpan(values).subspan(before));
}

}  // namespace leadline::collector::store::codec
