// Exemplars: single observations that stand for what a sample counts, mostly with the id of a
// trace.
//
// Plain values. Source: OpenMetrics 1.0, "Exemplars".
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/labels.h"

namespace leadline::collector::model {

// Characters (code points) that the names and values of an exemplar's labels may have together.
inline constexpr size_t kMaxExemplarCharacters = 128;

struct Exemplar {
  LabelSet labels;
  double value = 0;
  int64_t ts_ms = 0;  // since the Unix epoch

  bool operator==(const Exemplar&) const = default;
};

}  // namespace leadline::collector::model
