#include "collector/promql/exec/matchers.h"

#include <re2/re2.h>

namespace leadline::collector::promql::exec {
namespace {

using parse::LabelMatcher;

store::Matcher::Op StoreOp(LabelMatcher::Op op) {
  switch (op) {
    case LabelMatcher::Op::kEqual:
      return store::Matcher::Op::kEqual;
    case LabelMatcher::Op::kNotEqual:
      return store::Matcher::Op::kNotEqual;
    case LabelMatcher::Op::kRegex:
      return store::Matcher::Op::kRegex;
    case LabelMatcher::Op::kNotRegex:
      return store::Matcher::Op::kNotRegex;
  }
  return store::Matcher::Op::kEqual;
}

}  // namespace

std::vector<store::Matcher> StoreMatchers(absl::Span<const LabelMatcher> matchers) {
  std::vector<store::Matcher> result;
  result.reserve(matchers.size());
  for (const LabelMatcher& matcher : matchers) {
    result.push_back({StoreOp(matcher.op), matcher.name, matcher.value});
  }
  return result;
}

LabelTest::LabelTest(const LabelMatcher& matcher) : matcher_(matcher) {
  if (matcher.op != LabelMatcher::Op::kRegex && matcher.op != LabelMatcher::Op::kNotRegex) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  regex_ = std::make_shared<const re2::RE2>(matcher.value, options);
}

bool LabelTest::Matches(std::string_view value) const {
  const bool equal =
      regex_ != nullptr ? re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_)
                        : value == matcher_.value;
  const bool negative =
      matcher_.op == LabelMatcher::Op::kNotEqual || matcher_.op == LabelMatcher::Op::kNotRegex;
  return equal != negative;
}

}  // namespace leadline::collector::promql::exec
