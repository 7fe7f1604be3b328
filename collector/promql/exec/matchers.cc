#include "collector/promql/exec/matchers.h"

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

}  // namespace leadline::collector::promql::exec
