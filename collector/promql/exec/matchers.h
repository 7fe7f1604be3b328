// A selector's matchers as the store has them. Pure function.
#pragma once

#include <vector>

#include "absl/types/span.h"

#include "collector/promql/parse/ast.h"
#include "collector/store/store.h"

namespace leadline::collector::promql::exec {

std::vector<store::Matcher> StoreMatchers(absl::Span<const parse::LabelMatcher> matchers);

}  // namespace leadline::collector::promql::exec
