// A block of a window's series with consecutive ordinals, as the value of a row: it says all there
// is to know of them.
//
// Format: docs/format/window.md. Readers give nothing for what is malformed. Pure functions; what
// is read is immutable and may be shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "collector/store/index/definition.h"

namespace leadline::collector::store::window {

inline constexpr uint8_t kSeriesBlockVersion = 1;
inline constexpr size_t kMaxBlockSeries = 128;

struct SeriesRow {
  index::DefinitionPtr definition;
  uint32_t metric = 0;  // ordinals
  uint32_t entity = 0;
  uint32_t rank = 0;  // among the metric's series, in the order of their ordinals

  bool operator==(const SeriesRow&) const = default;
};

// REQUIRES: 1 <= series.size() <= kMaxBlockSeries; a metric's ranks have no gap.
std::string EncodeSeriesBlock(absl::Span<const SeriesRow> series);
std::optional<std::vector<SeriesRow>> ParseSeriesBlock(std::string_view block);

}  // namespace leadline::collector::store::window
