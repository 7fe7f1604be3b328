#include "collector/promql/series_selector.h"

#include <algorithm>

#include "collector/promql/parse/parser.h"
#include "common/status_macros.h"

namespace leadline::collector::promql {

absl::StatusOr<std::vector<store::Matcher>> ParseSeriesSelector(std::string_view text) {
  LL_ASSIGN_OR_RETURN(const std::vector<parse::LabelMatcher> matchers, parse::ParseSelector(text));
  return exec::StoreMatchers(matchers);
}

absl::StatusOr<SeriesSelector> SeriesSelector::Parse(std::string_view text) {
  LL_ASSIGN_OR_RETURN(const std::vector<parse::LabelMatcher> matchers, parse::ParseSelector(text));
  SeriesSelector selector;
  for (const parse::LabelMatcher& matcher : matchers) {
    selector.tests_.emplace_back(matcher.name, exec::LabelTest(matcher));
  }
  return selector;
}

bool SeriesSelector::Matches(const LabelSet& labels) const {
  return std::all_of(tests_.begin(), tests_.end(), [&labels](const auto& test) {
    return test.second.Matches(labels.Get(test.first));
  });
}

}  // namespace leadline::collector::promql
