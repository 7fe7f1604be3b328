// A series selector on its own, as the match[] parameters of the HTTP API have it.
//
// INVALID_ARGUMENT, with line and column, where the text is anything else. Pure function.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/promql/exec/matchers.h"
#include "collector/store/store.h"
#include "common/labels.h"

namespace leadline::collector::promql {

absl::StatusOr<std::vector<store::Matcher>> ParseSeriesSelector(std::string_view text);

// For label sets that are no series of a store.
class SeriesSelector {
 public:
  static absl::StatusOr<SeriesSelector> Parse(std::string_view text);

  bool Matches(const LabelSet& labels) const;

 private:
  std::vector<std::pair<std::string, exec::LabelTest>> tests_;  // by label
};

}  // namespace leadline::collector::promql
