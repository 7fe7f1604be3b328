#include "collector/promql/exec/histograms.h"

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
#include "collector/promql/functions/classic_buckets.h"
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

// What is computed of a histogram at a step. `name` is the metric's, or empty.
class Measure {
 public:
  virtual ~Measure() = default;
  virtual double OfNative(size_t step, const Histogram& histogram, std::string_view name) = 0;
  virtual double OfClassic(size_t step, std::vector<ClassicBucket>& buckets,
                           std::string_view name) = 0;
};

class QuantileMeasure final : public Measure {
 public:
  QuantileMeasure(std::vector<double> q, Annotations& annotations)
      : q_(std::move(q)), annotations_(annotations) {
    for (const double at_step : q_) {
      if (!IsValid(at_step)) annotations_.warnings.insert(remarks::InvalidQuantile(at_step));
    }
  }

  double OfNative(size_t step, const Histogram& histogram, std::string_view name) override {
    const double quantile = HistogramQuantile(q_[step], histogram);
    if (IsValid(q_[step]) && HasNanObservations(histogram)) {
      annotations_.infos.insert(std::isnan(quantile) ? remarks::NansMakeQuantileNan(name)
                                                     : remarks::NansSkewQuantile(name));
    }
    return quantile;
  }

  double OfClassic(size_t step, std::vector<ClassicBucket>& buckets,
                   std::string_view name) override {
    const BucketQuantileResult quantile = BucketQuantile(q_[step], buckets);
    if (quantile.forced_monotonic) annotations_.infos.insert(remarks::ForcedMonotonic(name));
    return quantile.value;
  }

 private:
  static bool IsValid(double q) { return q >= 0 && q <= 1; }

  const std::vector<double> q_;  // one a step
  Annotations& annotations_;
};

class FractionMeasure final : public Measure {
 public:
  FractionMeasure(std::vector<double> lower, std::vector<double> upper, Annotations& annotations)
      : lower_(std::move(lower)), upper_(std::move(upper)), annotations_(annotations) {}

  double OfNative(size_t step, const Histogram& histogram, std::string_view name) override {
    if (HasNanObservations(histogram)) {
      annotations_.infos.insert(remarks::NansOutsideFractions(name));
    }
    return HistogramFraction(lower_[step], upper_[step], histogram);
  }

  double OfClassic(size_t step, std::vector<ClassicBucket>& buckets, std::string_view) override {
    return BucketFraction(lower_[step], upper_[step], buckets);
  }

 private:
  const std::vector<double> lower_;  // one a step
  const std::vector<double> upper_;
  Annotations& annotations_;
};

// Brings together the series of each histogram: a native one's own, or a classic one's buckets.
class Histograms {
 public:
  Histograms(Context& context, Measure& measure)
      : context_(context), measure_(measure), steps_(context.steps()) {}

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
      StepSeries result(steps_);
      result.labels = group.labels;
      result.name_dropped = true;
      const std::string_view name = group.labels->Get(kMetricName);
      for (size_t step = 0; step < steps_; ++step) Evaluate(group, name, step, result);
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
    std::vector<double> native;  // measures, one a step; empty where there is no native histogram
  };

  absl::Status Charge() {
    LL_RETURN_IF_ERROR(context_.budget.Charge(steps_));
    held_ += steps_;
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
    if (group.native.empty()) group.native.assign(steps_, AbsentValue());
    for (size_t step = 0; step < steps_; ++step) {
      const Histogram* const histogram = series.histogram(step);
      if (histogram == nullptr) continue;
      group.native[step] = measure_.OfNative(step, *histogram, group.labels->Get(kMetricName));
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
    if (has_native && !at_step_.empty()) {
      context_.annotations.warnings.insert(remarks::MixedClassicAndNative(name));
    } else if (has_native) {
      result.values[step] = group.native[step];
    } else if (!at_step_.empty()) {
      result.values[step] = measure_.OfClassic(step, at_step_, name);
    }
  }

  Context& context_;
  Measure& measure_;
  const size_t steps_;
  LabelKeyMap<size_t> by_labels_;
  std::vector<Group> groups_;
  std::vector<ClassicBucket> at_step_;  // used again at every step
  uint64_t held_ = 0;                   // charged to the budget
};

absl::Status Evaluate(Context& context, const parse::Call& call, Measure& measure, Emit emit) {
  Histograms histograms(context, measure);
  LL_RETURN_IF_ERROR(
      Evaluator(context).Vector(*call.arguments.back(), call.function.name,
                                [&](const StepSeries& series) { return histograms.Add(series); }));
  return histograms.Finish(emit);
}

}  // namespace

absl::Status EvaluateHistogramQuantile(Context& context, const parse::Call& call, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> q, Evaluator(context).Scalar(*call.arguments[0]));
  QuantileMeasure measure(std::move(q), context.annotations);
  return Evaluate(context, call, measure, emit);
}

absl::Status EvaluateHistogramFraction(Context& context, const parse::Call& call, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> lower, Evaluator(context).Scalar(*call.arguments[0]));
  LL_ASSIGN_OR_RETURN(std::vector<double> upper, Evaluator(context).Scalar(*call.arguments[1]));
  FractionMeasure measure(std::move(lower), std::move(upper), context.annotations);
  return Evaluate(context, call, measure, emit);
}

}  // namespace leadline::collector::promql::exec
