// What identifies a series: metric, entity and the labels that are neither.
#pragma once

#include <string>

#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::model {

struct SeriesDefinition {
  std::string metric;
  Id128 entity;
  LabelSet residual;

  bool operator==(const SeriesDefinition&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const SeriesDefinition& series) {
    return H::combine(std::move(state), series.metric, series.entity, series.residual);
  }
};

}  // namespace leadline::collector::model
