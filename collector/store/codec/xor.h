// Doubles by the bits in which each differs from the one before: that of Pelkonen et al.,
// "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB 2015, section 4.1.2.
//
// Format: docs/format/chunk.md. Not synchronized.
#pragma once

#include <string>

#include "absl/types/span.h"

#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: !values.empty().
void EncodeXor(absl::Span<const double> values, std::string& out);
// reader.ok() is false afterwards when the input is malformed.
void DecodeXor(ByteReader& reader, absl::Span<double> values);

}  // namespace leadline::collector::store::codec
