// Compiled label matchers.
//
// A label that is not there has the value "". Regular expressions are RE2's, anchored at both ends,
// "." matches any character. Immutable after Compile; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/index/value_pattern.h"
#include "collector/store/store.h"

namespace re2 {
class RE2;
}

namespace leadline::collector::store::index {

inline constexpr std::string_view kKubernetesLabelPrefix = "label_";

class CompiledMatcher {
 public:
  // INVALID_ARGUMENT for a bad regular expression.
  static absl::StatusOr<CompiledMatcher> Compile(const Matcher& matcher);

  bool Matches(std::string_view value) const { return HasValue(value) != is_negative(); }
  bool matches_empty() const { return matches_empty_; }
  const std::string& name() const { return matcher_.name; }
  const Matcher& matcher() const { return matcher_; }

  // Whether it asks that the label has none of its values.
  bool is_negative() const {
    return matcher_.op == Matcher::Op::kNotEqual || matcher_.op == Matcher::Op::kNotRegex;
  }
  // Whether `value` is equal, or matches the expression.
  bool HasValue(std::string_view value) const;
  // Where its values are to be found; see value_pattern.h.
  const std::vector<ValueAlternative>& alternatives() const { return alternatives_; }

 private:
  bool MatchesExpression(std::string_view value) const;

  Matcher matcher_;
  std::vector<ValueAlternative> alternatives_;
  bool all_exact_ = false;                 // no alternative but of kNothing
  std::shared_ptr<const re2::RE2> regex_;  // null when it is never run
  bool matches_empty_ = false;
};

// A conjunction.
class Matchers {
 public:
  static absl::StatusOr<Matchers> Compile(absl::Span<const Matcher> matchers);

  const std::vector<CompiledMatcher>& all() const { return matchers_; }
  // True when a series without labels would match, so that all series have to be looked at.
  bool matches_empty() const;
  // The same for equal matchers in the same order, and for no others.
  std::string Key() const;

 private:
  std::vector<CompiledMatcher> matchers_;
};

}  // namespace leadline::collector::store::index
