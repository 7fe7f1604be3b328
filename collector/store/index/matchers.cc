#include "collector/store/index/matchers.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::index {

namespace {

// Beyond, running the expression is cheaper than looking at each.
constexpr size_t kMaxLooked = 16;

bool IsAsciiText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

}  // namespace

absl::StatusOr<CompiledMatcher> CompiledMatcher::Compile(const Matcher& matcher) {
  CompiledMatcher compiled;
  compiled.matcher_ = matcher;
  compiled.alternatives_ = {{matcher.value, ValueAlternative::Rest::kNothing}};
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
    compiled.alternatives_ = AlternativesOf(matcher.value);
    compiled.regex_ = std::move(regex);
  }
  compiled.all_exact_ =
      std::all_of(compiled.alternatives_.begin(), compiled.alternatives_.end(),
                  [](const auto& one) { return one.rest == ValueAlternative::Rest::kNothing; });
  if (compiled.all_exact_) compiled.regex_ = nullptr;
  compiled.matches_empty_ = compiled.Matches("");
  return compiled;
}

bool CompiledMatcher::MatchesExpression(std::string_view value) const {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
}

bool CompiledMatcher::HasValue(std::string_view value) const {
  if (all_exact_) {
    if (alternatives_.size() == 1) return value == alternatives_.front().text;
    const auto it = std::lower_bound(
        alternatives_.begin(), alternatives_.end(), value,
        [](const ValueAlternative& one, std::string_view wanted) { return one.text < wanted; });
    return it != alternatives_.end() && it->text == value;
  }
  if (alternatives_.size() > kMaxLooked) return MatchesExpression(value);
  bool unknown = false;
  for (const ValueAlternative& one : alternatives_) {
    if (!value.starts_with(one.text)) continue;
    const std::string_view rest = value.substr(one.text.size());
    switch (one.rest) {
      case ValueAlternative::Rest::kNothing:
        if (rest.empty()) return true;
        break;
      case ValueAlternative::Rest::kSomething:
      case ValueAlternative::Rest::kAnything:
        if (IsAsciiText(rest)) {
          if (one.rest == ValueAlternative::Rest::kAnything || !rest.empty()) return true;
          break;
        }
        unknown = true;
        break;
      case ValueAlternative::Rest::kUnknown:
        unknown = true;
        break;
    }
  }
  return unknown && MatchesExpression(value);
}

absl::StatusOr<Matchers> Matchers::Compile(absl::Span<const Matcher> matchers) {
  Matchers compiled;
  for (const Matcher& matcher : matchers) {
    LL_ASSIGN_OR_RETURN(CompiledMatcher one, CompiledMatcher::Compile(matcher));
    compiled.matchers_.push_back(std::move(one));
  }
  return compiled;
}

std::string Matchers::Key() const {
  std::string key;
  for (const CompiledMatcher& one : matchers_) {
    const Matcher& matcher = one.matcher();
    key.push_back(static_cast<char>(matcher.op));
    AppendString(matcher.name, key);
    AppendString(matcher.value, key);
  }
  return key;
}

bool Matchers::matches_empty() const {
  return std::all_of(matchers_.begin(), matchers_.end(),
                     [](const CompiledMatcher& matcher) { return matcher.matches_empty(); });
}

}  // namespace leadline::collector::store::index
