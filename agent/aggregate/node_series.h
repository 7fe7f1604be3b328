// Figures of the node as series under node-exporter's names, which the metric catalogue lists.
//
// A figure whose name has no row in the catalogue gets no series. At most kMaxSeries; more are
// counted. Not thread-safe. Allocates only for a series that is new.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

#include "agent/aggregate/recorder.h"
#include "agent/source/node/figure.h"
#include "common/string_map.h"

namespace leadline::agent::aggregate {

class NodeSeries {
 public:
  void Record(const Subject& subject, std::string_view metric,
              absl::Span<const source::FigureLabel> labels, double value, Recorder& recorder);

  // Figures of known names that had no room.
  uint64_t dropped() const { return dropped_; }

  static constexpr size_t kMaxSeries = 16384;

 private:
  struct Slot {
    const catalogue::MetricInfo* metric = nullptr;  // none: not served
    SeriesSlot series;
  };

  StringMap<Slot> slots_;  // by name and labels' values
  std::string key_;
  uint64_t dropped_ = 0;
};

}  // namespace leadline::agent::aggregate
