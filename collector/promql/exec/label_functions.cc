#include "collector/promql/exec/label_functions.h"

#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "collector/promql/exec/distinct.h"
#include "collector/promql/exec/evaluator.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// Four times what ingest takes. Each of nested calls can double a value, so without it a short
// query could ask for more than there is memory.
constexpr size_t kMaxValueBytes = 64 << 10;

const std::string& Text(const parse::Call& call, size_t argument) {
  return parse::As<parse::StringLiteral>(parse::Unwrap(*call.arguments[argument])).value;
}

bool IsWordCharacter(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A replacement with references to groups, as in Go's regexp.Expand: $1, ${1}, $name, ${name}, $$.
class Template {
 public:
  Template(std::string_view text, const RE2& regex) {
    while (!text.empty()) text.remove_prefix(TakePart(text, regex));
  }

  // Ends behind `max_bytes`, with a part that is over them.
  std::string Expand(const std::vector<re2::StringPiece>& groups, size_t max_bytes) const {
    std::string result;
    for (const Part& part : parts_) {
      if (result.size() > max_bytes) break;
      result += part.text;
      if (part.group < 0) continue;
      const re2::StringPiece& group = groups[static_cast<size_t>(part.group)];
      result.append(group.data(), group.size());
    }
    return result;
  }

 private:
  struct Part {
    std::string text;
    int group = -1;  // behind the text; -1: none
  };

  // How much of the text the part takes.
  size_t TakePart(std::string_view text, const RE2& regex) {
    const size_t dollar = text.find('$');
    if (dollar > 0) {
      const std::string_view literal = text.substr(0, dollar);
      parts_.push_back({std::string(literal), -1});
      return literal.size();
    }
    if (text.starts_with("$$")) {
      parts_.push_back({"$", -1});
      return 2;
    }
    const bool braces = text.starts_with("${");
    const size_t begin = braces ? 2 : 1;
    size_t end = begin;
    while (end < text.size() && IsWordCharacter(text[end])) ++end;
    if (end == begin || (braces && (end == text.size() || text[end] != '}'))) {
      parts_.push_back({"$", -1});  // no reference
      return 1;
    }
    parts_.push_back({"", GroupOf(std::string(text.substr(begin, end - begin)), regex)});
    return end + (braces ? 1 : 0);
  }

  static int GroupOf(const std::string& name, const RE2& regex) {
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) {
      return number <= regex.NumberOfCapturingGroups() ? number : -1;
    }
    const auto& named = regex.NamedCapturingGroups();
    const auto found = named.find(name);
    return found == named.end() ? -1 : found->second;
  }

  std::vector<Part> parts_;
};

RE2::Options QuietOptions() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// Sets the label to what `value` gives, which is nothing where the series stays as it is. A value
// of more than kMaxValueBytes may be cut behind them: it is refused.
absl::Status SetLabel(Context& context, const parse::Call& call, const std::string& label,
                      Emit emit,
                      absl::FunctionRef<std::optional<std::string>(const LabelSet&)> value) {
  Distinct distinct(context);
  Holding held(context.budget);
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(*call.arguments.front(), "", [&](StepSeries series) {
    LabelSet labels = *series.labels;
    if (const std::optional<std::string> text = value(labels)) {
      if (text->size() > kMaxValueBytes) {
        return absl::ResourceExhaustedError(
            fmt::format("{}() gives label \"{}\" a value of more than {} bytes", call.function.name,
                        label, kMaxValueBytes));
      }
      LL_RETURN_IF_ERROR(held.Add(text->size() / sizeof(double)));
      labels.Set(label, *text);
      series.labels = std::make_shared<const LabelSet>(std::move(labels));
      if (label == kMetricName) series.name_dropped = false;
    }
    return distinct.Add(std::move(series));
  }));
  return distinct.Finish(emit);
}

}  // namespace

absl::Status EvaluateLabelJoin(Context& context, const parse::Call& call, Emit emit) {
  const std::string& target = Text(call, 1);
  const std::string& separator = Text(call, 2);
  if (!IsValidLabelName(target)) {
    return absl::FailedPreconditionError(
        fmt::format("invalid destination label name in label_join(): {}", target));
  }
  std::vector<std::string> sources;
  for (size_t i = 3; i < call.arguments.size(); ++i) {
    sources.push_back(Text(call, i));
    if (IsValidLabelName(sources.back())) continue;
    return absl::FailedPreconditionError(
        fmt::format("invalid source label name in label_join(): {}", sources.back()));
  }
  return SetLabel(context, call, target, emit, [&](const LabelSet& labels) {
    std::string joined;
    for (size_t i = 0; i < sources.size() && joined.size() <= kMaxValueBytes; ++i) {
      if (i > 0) joined += separator;
      joined += labels.Get(sources[i]);
    }
    return std::optional<std::string>(std::move(joined));
  });
}

absl::Status EvaluateLabelReplace(Context& context, const parse::Call& call, Emit emit) {
  const std::string& target = Text(call, 1);
  const std::string& source = Text(call, 3);
  const std::string& pattern = Text(call, 4);
  const RE2 regex("^(?s:" + pattern + ")$", QuietOptions());
  if (!regex.ok()) {
    return absl::FailedPreconditionError(
        fmt::format("invalid regular expression in label_replace(): {}", pattern));
  }
  if (!IsValidLabelName(target)) {
    return absl::FailedPreconditionError(
        fmt::format("invalid destination label name in label_replace(): {}", target));
  }
  const Template replacement(Text(call, 2), regex);
  std::vector<re2::StringPiece> groups(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
  return SetLabel(
      context, call, target, emit, [&](const LabelSet& labels) -> std::optional<std::string> {
        const std::string_view value = labels.Get(source);
        const re2::StringPiece text(value.data(), value.size());
        const bool matches = regex.Match(text, 0, text.size(), RE2::ANCHOR_BOTH, groups.data(),
                                         static_cast<int>(groups.size()));
        if (!matches) return std::nullopt;
        return replacement.Expand(groups, kMaxValueBytes);
      });
}

}  // namespace leadline::collector::promql::exec
