#include "collector/promql/exec/histogram_quantile.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "collector/promql/exec/classic_series.h"
#include "collector/promql/exec/distinct.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/functions/quantile.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

std::optional<double> ParseBound(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double bound = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  if (error != std::errc() || end != text.data() + text.size() || std::isnan(bound)) {
    return std::nullopt;
  }
  return bound;
}

// The series of one histogram: a native one's own, or a classic one's buckets.
class Quantiles {
 public:
  Quantiles(Context& context, std::vector<double> q) : context_(context), q_(std::move(q)) {}

  absl::Status Add(const StepSeries& series) {
    if (!series.histograms.empty()) {
      LL_RETURN_IF_ERROR(AddNative(series));
    }
    for (const double value : series.values) {
      if (!IsAbsent(value)) return AddBucket(series);
    }
    return absl::OkStatus();
  }

  absl::Status Finish(Emit emit) {
    Distinct distinct(context_);
    for (Group& group : groups_) {
      StepSeries result(q_.size());
      result.labels = group.labels;
      result.name_dropped = true;
      const std::string_view name = group.labels->Get(kMetricName);
      for (size_t step = 0; step < q_.size(); ++step) Evaluate(group, name, step, result);
      group.buckets.clear();
      if (result.HasAny()) LL_RETURN_IF_ERROR(distinct.Add(std::move(result)));
    }
    context_.budget.Release(held_);
    return distinct.Finish(emit);
  }

 private:
  struct Bucket {
    double upper_bound = 0;
    std::vector<double> counts;  // one a step
  };
  struct Group {
    std::shared_ptr<const LabelSet> labels;
    std::vector<Bucket> buckets;
    std::vector<double> native;  // quantiles, one a step; empty where there is no native histogram
  };

  absl::Status Charge() {
    LL_RETURN_IF_ERROR(context_.budget.Charge(q_.size()));
    held_ += q_.size();
    return absl::OkStatus();
  }

  Group& GroupOf(LabelSet labels) {
    const auto [found, is_new] = by_labels_.try_emplace(labels, groups_.size());
    if (is_new) {
      groups_.push_back({std::make_shared<const LabelSet>(std::move(labels)), {}, {}});
    }
    return groups_[found->second];
  }

  absl::Status AddNative(const StepSeries& series) {
    LL_RETURN_IF_ERROR(Charge());
    Group& group = GroupOf(series.VisibleLabels());
    if (group.native.empty()) group.native.assign(q_.size(), AbsentValue());
    for (size_t step = 0; step < q_.size(); ++step) {
      const Histogram* const histogram = series.histogram(step);
      if (histogram != nullptr) group.native[step] = HistogramQuantile(q_[step], *histogram);
    }
    return absl::OkStatus();
  }

  absl::Status AddBucket(const StepSeries& series) {
    LabelSet labels = series.VisibleLabels();
    const std::optional<double> bound = ParseBound(labels.Get(kBucketLabel));
    if (!bound.has_value()) {
      context_.annotations.warnings.insert(
          remarks::BadBucketLabel(labels.Get(kMetricName), labels.Get(kBucketLabel)));
      return absl::OkStatus();
    }
    LL_RETURN_IF_ERROR(Charge());
    labels.Remove(kBucketLabel);
    GroupOf(std::move(labels)).buckets.push_back({*bound, series.values});
    return absl::OkStatus();
  }

  void Evaluate(const Group& group, std::string_view name, size_t step, StepSeries& result) {
    at_step_.clear();
    for (const Bucket& bucket : group.buckets) {
      if (!IsAbsent(bucket.counts[step])) {
        at_step_.push_back({bucket.upper_bound, bucket.counts[step]});
      }
    }
    const bool has_native = !group.native.empty() && !IsAbsent(group.native[step]);
    if ((has_native || !at_step_.empty()) && !(q_[step] >= 0 && q_[step] <= 1)) {
      context_.annotations.warnings.insert(remarks::InvalidQuantile(q_[step]));
    }
    if (has_native && !at_step_.empty()) {
      context_.annotations.warnings.insert(remarks::MixedClassicAndNative(name));
    } else if (has_native) {
      result.values[step] = group.native[step];
    } else if (!at_step_.empty()) {
      const BucketQuantileResult quantile = BucketQuantile(q_[step], at_step_);
      result.values[step] = quantile.value;
      if (quantile.forced_monotonic) {
        context_.annotations.infos.insert(remarks::ForcedMonotonic(name));
      }
    }
  }

  Context& context_;
  const std::vector<double> q_;  // one a step
  LabelKeyMap<size_t> by_labels_;
  std::vector<Group> groups_;
  std::vector<ClassicBucket> at_step_;  // used again at every step
  uint64_t held_ = 0;                   // charged to the budget
};

}  // namespace

absl::Status EvaluateHistogramQuantile(Context& context, const parse::Call& call, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> q, Evaluator(context).Scalar(*call.arguments[0]));
  Quantiles quantiles(context, std::move(q));
  LL_RETURN_IF_ERROR(
      Evaluator(context).Vector(*call.arguments[1], "histogram_quantile",
                                [&](const StepSeries& series) { return quantiles.Add(series); }));
  return quantiles.Finish(emit);
}

}  // namespace leadline::collector::promql::exec
