// Columns of native histograms: one integer or float column for each field and each bucket that any
// of them has, so that a bucket which does not change between samples costs next to nothing. Counts
// are a column of integers, of floats, or one of each where some histograms of a run have those.
//
// Format: docs/format/chunk.md. Lossless for histograms whose buckets are ascending and not empty,
// and whose custom bounds are finite and ascending.
// Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "collector/model/histogram_columns.h"
#include "collector/model/sample.h"
#include "common/bytes.h"

namespace leadline::collector::store::codec {

// REQUIRES: !values.empty(), buckets and custom bounds ascending, bounds finite.
void EncodeHistograms(absl::Span<const model::NativeHistogram> values, std::string& out);

// Histograms [begin, end) of a run.
struct RunPart {
  size_t begin = 0;
  size_t end = 0;
  size_t size() const { return end - begin; }
};

// Leaves of the timestamps behind `before`, those of a run, the ones in [start, end]: that part.
RunPart KeepBetween(int64_t start_ms, int64_t end_ms, size_t before, std::vector<int64_t>& ts_ms);

// Appends a part of `count` histograms; reader.ok() is false afterwards when the input is
// malformed, or when the buckets of one sign times `count`, or all custom bounds, exceed
// `max_cells`. REQUIRES: 1 to kMaxColumn of them.
void DecodeHistograms(ByteReader& reader, size_t count, const RunPart& part, size_t max_cells,
                      std::vector<model::NativeHistogram>& values);

// Histograms of several runs, one after the other, in the columns of all.
struct JoinedColumns {
  size_t size = 0;                                 // of all together
  size_t filled = 0;                               // of those that are there
  std::optional<model::HistogramColumns> columns;  // once there are some
};

// As DecodeHistograms, behind those that are there. False, with the columns of no use, where the
// part or all together are not of one layout, have markers or gauges, or too many buckets.
// REQUIRES: there is room for the part.
bool DecodeHistogramColumns(ByteReader reader, size_t count, const RunPart& part, size_t max_cells,
                            JoinedColumns& joined);

// Whether any of `count` encoded histograms has float counts; false where they are malformed.
bool HaveFloatCounts(std::string_view encoded, size_t count);

}  // namespace leadline::collector::store::codec
