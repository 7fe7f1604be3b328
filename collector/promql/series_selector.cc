#include "collector/promql/series_selector.h"

#include "collector/promql/exec/matchers.h"
#include "collector/promql/parse/parser.h"
#include "common/status_macros.h"

namespace leadline::collector::promql {

absl::StatusOr<std::vector<store::Matcher>> ParseSeriesSelector(std::string_view text) {
  LL_ASSIGN_OR_RETURN(const std::vector<parse::LabelMatcher> matchers, parse::ParseSelector(text));
  return exec::StoreMatchers(matchers);
}

}  // namespace leadline::collector::promql
