// Columns of native histograms: one integer or float column for each field and each bucket that any
// of them has, so that a bucket which does not change between samples costs next to nothing.
//
// Format: docs/format/chunk.md. Lossless for histograms whose buckets are ascending and not empty,
// and whose custom bounds are finite and ascending.
// Not synchronized.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "collector/model/sample.h"
#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: !values.empty(), buckets and custom bounds ascending, bounds finite.
void EncodeHistograms(absl::Span<const model::NativeHistogram> values, std::string& out);

// Appends `count` histograms; reader.ok() is false afterwards when the input is malformed, or when
// the buckets of one sign times `count`, or all custom bounds, exceed `max_cells`. REQUIRES: count
// > 0.
void DecodeHistograms(ByteReader& reader, size_t count, size_t max_cells,
                      std::vector<model::NativeHistogram>& values);

}  // namespace leadline::collector::store::codec
