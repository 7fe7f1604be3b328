#include "collector/promql/exec/gather.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "collector/promql/exec/place.h"
#include "collector/promql/functions/quantile.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// As short as it can be without an exponent, as in Go's strconv.FormatFloat(value, 'f', -1, 64).
std::string FormatValue(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char buffer[400];  // the longest has 309 digits before the point or 325 behind it
  const auto result =
      std::to_chars(std::begin(buffer), std::end(buffer), value, std::chars_format::fixed);
  return {buffer, result.ptr};
}

}  // namespace

GroupQuantile::GroupQuantile(Context& context, const parse::Aggregate& aggregate,
                             std::vector<double> q)
    : held_(context.budget),
      remarker_(RemarkerOn(context, *aggregate.inner)),
      grouping_(context.budget, aggregate.without, aggregate.labels),
      q_(std::move(q)) {
  const Remarker on_q = RemarkerOn(context, *aggregate.parameter);
  for (const double q_at_step : q_) {
    if (!(q_at_step >= 0 && q_at_step <= 1)) on_q.Warn(remarks::InvalidQuantile(q_at_step));
  }
}

absl::Status GroupQuantile::Add(StepSeries series) {
  if (!series.histograms.empty()) {
    remarker_.Inform(remarks::HistogramIgnored("quantile"));
  }
  LL_ASSIGN_OR_RETURN(const size_t group, grouping_.GroupOf(series));
  if (group == groups_.size()) groups_.emplace_back();
  LL_RETURN_IF_ERROR(held_.Add(q_.size(), sizeof(Values)));
  groups_[group].push_back(std::move(series.values));
  return absl::OkStatus();
}

absl::Status GroupQuantile::Finish(Emit emit) {
  std::vector<double> at_step;  // used again at every step
  for (size_t group = 0; group < groups_.size(); ++group) {
    StepSeries series(q_.size());
    series.labels = grouping_.labels(group);
    series.name_dropped = grouping_.name_dropped(group);
    for (size_t step = 0; step < q_.size(); ++step) {
      at_step.clear();
      for (const Values& values : groups_[group]) {
        if (!IsAbsent(values[step])) at_step.push_back(values[step]);
      }
      if (!at_step.empty()) series.values[step] = Quantile(q_[step], at_step);
    }
    const size_t count = std::exchange(groups_[group], {}).size();
    held_.GiveBack(count * q_.size(), count * sizeof(Values));
    if (series.HasAny()) LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

CountValues::CountValues(Context& context, bool without, std::vector<std::string> labels,
                         std::string label)
    : steps_(context.steps()),
      held_(context.budget),
      without_(without),
      labels_(std::move(labels)),
      label_(std::move(label)),
      keeps_label_(!without_ ||
                   std::find(labels_.begin(), labels_.end(), label_) == labels_.end()) {}

absl::Status CountValues::Add(const StepSeries& series) {
  LabelSet group;
  for (const Label& label : *series.labels) {
    const bool named = std::find(labels_.begin(), labels_.end(), label.name) != labels_.end();
    if (named == without_) continue;
    if (label.name == kMetricName && without_) continue;
    group.Set(label.name, label.value);
  }
  const bool name_dropped = series.name_dropped && label_ != kMetricName;
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (!series.has(step)) continue;
    LabelSet labels = group;
    if (keeps_label_) {
      const Histogram* const histogram = series.histogram(step);
      labels.Set(label_,
                 histogram != nullptr ? ToString(*histogram) : FormatValue(series.values[step]));
    }
    LL_RETURN_IF_ERROR(Count(std::move(labels), step, name_dropped));
  }
  return absl::OkStatus();
}

absl::Status CountValues::Count(LabelSet labels, size_t step, bool name_dropped) {
  const auto [found, is_new] = by_labels_.try_emplace(labels, counts_.size());
  if (is_new) {
    // With the labels that it is found by.
    LL_RETURN_IF_ERROR(held_.Add(steps_, sizeof(StepSeries) + 2 * BytesOf(labels)));
    counts_.emplace_back(steps_);
    counts_.back().labels = std::make_shared<const LabelSet>(std::move(labels));
  }
  counts_[found->second].name_dropped |= name_dropped;
  double& count = counts_[found->second].values[step];
  count = IsAbsent(count) ? 1 : count + 1;
  return absl::OkStatus();
}

absl::Status CountValues::Finish(Emit emit) {
  by_labels_.clear();
  for (StepSeries& series : counts_) {
    held_.GiveBack(steps_, sizeof(StepSeries) + 2 * BytesOf(*series.labels));
    LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
