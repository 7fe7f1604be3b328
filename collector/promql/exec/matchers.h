// A selector's matchers as the store has them. Pure function.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "collector/promql/parse/ast.h"
#include "collector/store/store.h"

namespace re2 {
class RE2;
}

namespace leadline::collector::promql::exec {

std::vector<store::Matcher> StoreMatchers(absl::Span<const parse::LabelMatcher> matchers);

// Whether label values match, regular expressions anchored at both ends.
class LabelTest {
 public:
  // REQUIRES: a matcher that the parser took.
  explicit LabelTest(const parse::LabelMatcher& matcher);

  bool Matches(std::string_view value) const;

 private:
  parse::LabelMatcher matcher_;
  std::shared_ptr<const re2::RE2> regex_;  // of a regular expression
};

}  // namespace leadline::collector::promql::exec
