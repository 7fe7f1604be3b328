#include "collector/promql/exec/grouping.h"

#include <algorithm>

#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

Grouping::Grouping(Budget& budget, bool without, std::vector<std::string> labels)
    : held_(budget), without_(without), labels_(std::move(labels)) {
  if (without_) labels_.emplace_back(kMetricName);
  std::sort(labels_.begin(), labels_.end());
  labels_.erase(std::unique(labels_.begin(), labels_.end()), labels_.end());
}

LabelView Grouping::Project(const StepSeries& series) const {
  LabelView view;
  auto named = labels_.begin();
  for (const Label& label : *series.labels) {
    while (named != labels_.end() && *named < label.name) ++named;
    const bool is_named = named != labels_.end() && *named == label.name;
    if (is_named == without_) continue;
    view.emplace_back(label.name, label.value);
  }
  return view;
}

absl::StatusOr<size_t> Grouping::GroupOf(const StepSeries& series) {
  const auto [known, is_new] =
      by_pointer_.try_emplace({series.labels, series.name_dropped}, groups_.size());
  if (!is_new) return known->second;
  LL_RETURN_IF_ERROR(held_.AddLittle(sizeof(*known) + BytesOf(*series.labels)));
  const LabelView view = Project(series);
  if (auto found = by_labels_.find(view); found != by_labels_.end()) {
    if (series.name_dropped) name_dropped_[found->second] = true;
    return known->second = found->second;
  }
  std::vector<Label> labels;
  labels.reserve(view.size());
  for (const auto& [name, value] : view) labels.push_back({std::string(name), std::string(value)});
  LabelSet set(std::move(labels));
  LL_RETURN_IF_ERROR(held_.AddLittle(2 * BytesOf(set)));
  groups_.push_back(std::make_shared<const LabelSet>(set));
  name_dropped_.push_back(series.name_dropped);
  by_labels_.emplace(std::move(set), known->second);
  return known->second;
}

}  // namespace leadline::collector::promql::exec
