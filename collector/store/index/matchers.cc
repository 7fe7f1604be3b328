#include "collector/store/index/matchers.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "common/status_macros.h"

namespace leadline::collector::store::index {

absl::StatusOr<CompiledMatcher> CompiledMatcher::Compile(const Matcher& matcher) {
  CompiledMatcher compiled;
  compiled.matcher_ = matcher;
  if (matcher.op == Matcher::Op::kRegex || matcher.op == Matcher::Op::kNotRegex) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    auto regex = std::make_shared<const re2::RE2>(matcher.value, options);
    if (!regex->ok()) {
      return absl::InvalidArgumentError(
          fmt::format("bad regular expression \"{}\" for label {}: {}", matcher.value, matcher.name,
                      regex->error()));
    }
    compiled.regex_ = std::move(regex);
  }
  compiled.matches_empty_ = compiled.Matches("");
  return compiled;
}

bool CompiledMatcher::Matches(std::string_view value) const {
  switch (matcher_.op) {
    case Matcher::Op::kEqual:
      return value == matcher_.value;
    case Matcher::Op::kNotEqual:
      return value != matcher_.value;
    case Matcher::Op::kRegex:
      return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
    case Matcher::Op::kNotRegex:
      return !re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
  }
  return false;
}

absl::StatusOr<Matchers> Matchers::Compile(absl::Span<const Matcher> matchers) {
  Matchers compiled;
  for (const Matcher& matcher : matchers) {
    LL_ASSIGN_OR_RETURN(CompiledMatcher one, CompiledMatcher::Compile(matcher));
    compiled.matchers_.push_back(std::move(one));
  }
  return compiled;
}

bool Matchers::matches_empty() const {
  return std::all_of(matchers_.begin(), matchers_.end(),
                     [](const CompiledMatcher& matcher) { return matcher.matches_empty(); });
}

}  // namespace leadline::collector::store::index
