#include "collector/promql/exec/info.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "collector/promql/exec/distinct.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/matchers.h"
#include "collector/promql/exec/selector.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;
using parse::ExprKind;
using parse::LabelMatcher;

constexpr std::array<std::string_view, 2> kIdentifyingLabels = {"instance", "job"};
constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

bool IsIdentifying(std::string_view label) {
  return std::find(kIdentifyingLabels.begin(), kIdentifyingLabels.end(), label) !=
         kIdentifyingLabels.end();
}

using Target = std::array<std::string, kIdentifyingLabels.size()>;

Target TargetOf(const LabelSet& labels) {
  Target target;
  for (size_t i = 0; i < target.size(); ++i) target[i] = labels.Get(kIdentifyingLabels[i]);
  return target;
}

// What the second argument asks for.
class Request {
 public:
  explicit Request(const parse::Call& call) {
    if (call.arguments.size() > 1) {
      for (const LabelMatcher& matcher : As<parse::VectorSelector>(*call.arguments[1]).matchers) {
        Add(matcher);
      }
    }
    const auto is_positive = [](const LabelMatcher& matcher) {
      return matcher.op == LabelMatcher::Op::kEqual || matcher.op == LabelMatcher::Op::kRegex;
    };
    if (names_.empty()) {
      names_.push_back({LabelMatcher::Op::kEqual, std::string(kMetricName), "target_info"});
    } else if (std::none_of(names_.begin(), names_.end(), is_positive)) {
      names_.push_back({LabelMatcher::Op::kRegex, std::string(kMetricName), ".+_info"});
    }
    for (const LabelMatcher& name : names_) name_tests_.emplace_back(name);
  }

  bool IsInfoMetric(std::string_view name) const {
    return std::all_of(name_tests_.begin(), name_tests_.end(),
                       [name](const LabelTest& test) { return test.Matches(name); });
  }
  bool Adds(const std::string& label) const {
    return data_labels_.empty() || data_labels_.contains(label);
  }
  // Whether series without info series have no place in the result.
  bool required() const { return required_; }

  std::vector<LabelMatcher> matchers() const {
    std::vector<LabelMatcher> all = names_;
    all.insert(all.end(), data_.begin(), data_.end());
    return all;
  }

 private:
  void Add(const LabelMatcher& matcher) {
    if (matcher.name == kMetricName) {
      names_.push_back(matcher);
      return;
    }
    data_.push_back(matcher);
    data_labels_.insert(matcher.name);
    required_ = required_ || !LabelTest(matcher).Matches("");
  }

  std::vector<LabelMatcher> names_;
  std::vector<LabelTest> name_tests_;
  std::vector<LabelMatcher> data_;
  std::set<std::string> data_labels_;
  bool required_ = false;
};

// The time modifiers of the first selector in the expression; nullptr where there is none.
const parse::TimeModifier* FirstModifier(const parse::Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
      return nullptr;
    case ExprKind::kVectorSelector:
      return &As<parse::VectorSelector>(expr).modifier;
    case ExprKind::kMatrixSelector:
      return &As<parse::MatrixSelector>(expr).selector->modifier;
    case ExprKind::kSubquery:
      return FirstModifier(*As<parse::Subquery>(expr).inner);
    case ExprKind::kParen:
      return FirstModifier(*As<parse::Paren>(expr).inner);
    case ExprKind::kUnary:
      return FirstModifier(*As<parse::Unary>(expr).inner);
    case ExprKind::kBinary: {
      const auto* const left = FirstModifier(*As<parse::Binary>(expr).left);
      return left != nullptr ? left : FirstModifier(*As<parse::Binary>(expr).right);
    }
    case ExprKind::kAggregate:
      return FirstModifier(*As<parse::Aggregate>(expr).inner);
    case ExprKind::kCall:
      for (const parse::ExprPtr& argument : As<parse::Call>(expr).arguments) {
        if (const auto* const found = FirstModifier(*argument)) return found;
      }
      return nullptr;
  }
  return nullptr;
}

// When the sample that counts at each step was taken, kNever where there is none.
std::vector<int64_t> SampleTimes(const Context& context, const parse::TimeModifier& modifier,
                                 const store::SeriesBlock& block) {
  std::vector<int64_t> times(context.steps(), kNever);
  size_t next = 0;
  for (size_t step = 0; step < times.size(); ++step) {
    const int64_t ts_ms = ReferenceTime(context, modifier, step);
    while (next < block.ts_ms.size() && block.ts_ms[next] <= ts_ms) ++next;
    if (next == 0 || block.ts_ms[next - 1] <= ts_ms - context.lookback_ms) continue;
    if (!model::IsStaleNan(block.values[next - 1])) times[step] = block.ts_ms[next - 1];
  }
  return times;
}

// The info series of all targets.
class InfoSeries {
 public:
  explicit InfoSeries(Context& context) : context_(context), held_(context.budget) {}

  struct One {
    std::shared_ptr<const LabelSet> labels;
    std::vector<int64_t> times;  // one a step
  };
  // Of one target, by the metric's name.
  using OfTarget = std::map<std::string, std::vector<One>>;

  absl::Status Select(const parse::VectorSelector& selector) {
    return SelectBlocks(
        context_, selector, {.back_ms = context_.lookback_ms},
        [&](const store::SeriesBlock& block) {
          if (!std::all_of(block.histograms.begin(), block.histograms.end(), IsStale)) {
            return absl::FailedPreconditionError(fmt::format(
                "this should be an info metric, with float samples: {}", block.labels->ToString()));
          }
          LL_RETURN_IF_ERROR(held_.Add(context_.steps(), sizeof(One) + BytesOf(*block.labels)));
          std::vector<int64_t> times = SampleTimes(context_, selector.modifier, block);
          for (size_t step = 0; context_.looked_at != nullptr && step < times.size(); ++step) {
            if (times[step] != kNever) context_.looked_at->Add(step, 1);
          }
          targets_[TargetOf(*block.labels)][std::string(block.labels->Get(kMetricName))].push_back(
              {block.labels, std::move(times)});
          return absl::OkStatus();
        });
  }

  // nullptr where there are none.
  const OfTarget* Of(const Target& target) const {
    const auto found = targets_.find(target);
    return found == targets_.end() ? nullptr : &found->second;
  }

 private:
  Context& context_;
  Holding held_;
  std::map<Target, OfTarget> targets_;
};

// The newest at the step, nullptr where there is none.
absl::StatusOr<const InfoSeries::One*> NewestAt(size_t step,
                                                const std::vector<InfoSeries::One>& series) {
  const InfoSeries::One* newest = nullptr;
  for (const InfoSeries::One& one : series) {
    if (one.times[step] == kNever) continue;
    if (newest != nullptr && one.times[step] == newest->times[step]) {
      return absl::FailedPreconditionError(
          fmt::format("found duplicate series for info metric: existing {} @ {}, new {} @ {}",
                      newest->labels->ToString(), newest->times[step], one.labels->ToString(),
                      one.times[step]));
    }
    if (newest == nullptr || one.times[step] > newest->times[step]) newest = &one;
  }
  return newest;
}

// Nothing where it was dropped.
std::string_view NameOf(const StepSeries& series) {
  return series.name_dropped ? std::string_view() : series.labels->Get(kMetricName);
}

class Enricher {
 public:
  Enricher(Context& context, const Request& request, const InfoSeries& infos)
      : context_(context), request_(request), infos_(infos), result_(context) {}

  absl::Status Add(StepSeries base) {
    const LabelSet& labels = *base.labels;
    const InfoSeries::OfTarget* const of_target = infos_.Of(TargetOf(labels));
    if (request_.IsInfoMetric(NameOf(base))) return result_.Add(std::move(base));
    if (of_target == nullptr) {
      return request_.required() ? absl::OkStatus() : result_.Add(std::move(base));
    }
    Holding held(context_.budget);
    std::map<std::vector<const InfoSeries::One*>, StepSeries> parts;  // by what is added
    for (size_t step = 0; step < context_.steps(); ++step) {
      if (!base.has(step)) continue;
      std::vector<const InfoSeries::One*> found;
      for (const auto& [name, series] : *of_target) {
        LL_ASSIGN_OR_RETURN(const InfoSeries::One* newest, NewestAt(step, series));
        if (newest != nullptr) found.push_back(newest);
      }
      if (found.empty() && request_.required()) continue;
      auto part = parts.find(found);
      if (part == parts.end()) {
        LL_RETURN_IF_ERROR(held.Add(context_.steps()));
        StepSeries series(context_.steps());
        LL_ASSIGN_OR_RETURN(series.labels, Enriched(labels, found));
        series.name_dropped = base.name_dropped;
        part = parts.emplace(std::move(found), std::move(series)).first;
      }
      part->second.Set(step, base.sample(step));
    }
    for (auto& [found, series] : parts) {
      held.GiveBack(context_.steps());
      LL_RETURN_IF_ERROR(result_.Add(std::move(series)));
    }
    return absl::OkStatus();
  }

  absl::Status Finish(Emit emit) { return result_.Finish(emit); }

 private:
  // The labels and those of the info series that they lack.
  absl::StatusOr<std::shared_ptr<const LabelSet>> Enriched(
      const LabelSet& labels, const std::vector<const InfoSeries::One*>& infos) const {
    LabelSet enriched = labels;
    for (const InfoSeries::One* info : infos) {
      for (const Label& label : *info->labels) {
        if (label.name == kMetricName || IsIdentifying(label.name) || !request_.Adds(label.name) ||
            !labels.Get(label.name).empty()) {
          continue;
        }
        const std::string_view before = enriched.Get(label.name);
        if (!before.empty() && before != label.value) {
          return absl::FailedPreconditionError(fmt::format("conflicting label: {}", label.name));
        }
        enriched.Set(label.name, label.value);
      }
    }
    return std::make_shared<const LabelSet>(std::move(enriched));
  }

  Context& context_;
  const Request& request_;
  const InfoSeries& infos_;
  Distinct result_;
};

// Adds to the matchers that the target is one of those, where that is not too long.
void NarrowTo(const std::set<Target>& targets, std::vector<LabelMatcher>& matchers) {
  constexpr size_t kMaxBytes = 64 << 10;
  for (size_t i = 0; i < kIdentifyingLabels.size(); ++i) {
    std::set<std::string> values;
    for (const Target& target : targets) values.insert(target[i]);
    std::string regex;
    for (const std::string& value : values) {
      regex += (regex.empty() ? "" : "|") + RE2::QuoteMeta(value);
      if (regex.size() > kMaxBytes) break;
    }
    if (regex.size() > kMaxBytes) continue;
    // An alternative that is empty is lost at the front.
    if (values.contains("")) regex = values.size() == 1 ? "" : regex + "|";
    matchers.push_back({LabelMatcher::Op::kRegex, std::string(kIdentifyingLabels[i]), regex});
  }
}

}  // namespace

absl::Status EvaluateInfo(Context& context, const parse::Call& call, Emit emit) {
  const Request request(call);
  std::vector<StepSeries> bases;
  std::set<Target> targets;
  Holding held(context.budget);
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(*call.arguments[0], "", [&](StepSeries series) {
    const Target target = TargetOf(*series.labels);
    if (target != Target() && !request.IsInfoMetric(NameOf(series))) {
      targets.insert(target);
    }
    LL_RETURN_IF_ERROR(held.Add(series.sample_count(), series.other_bytes()));
    bases.push_back(std::move(series));
    return absl::OkStatus();
  }));
  InfoSeries infos(context);
  if (!targets.empty()) {
    parse::VectorSelector selector;
    selector.matchers = request.matchers();
    if (const auto* const modifier = FirstModifier(*call.arguments[0])) {
      selector.modifier = *modifier;
    }
    NarrowTo(targets, selector.matchers);
    LL_RETURN_IF_ERROR(infos.Select(selector));
  }
  Enricher enricher(context, request, infos);
  for (StepSeries& base : bases) {
    held.GiveBack(base.sample_count(), base.other_bytes());
    LL_RETURN_IF_ERROR(enricher.Add(std::move(base)));
  }
  return enricher.Finish(emit);
}

}  // namespace leadline::collector::promql::exec
