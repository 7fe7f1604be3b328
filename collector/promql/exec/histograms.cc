#include "collector/promql/exec/histograms.h"

#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/promql/exec/classic_series.h"
#include "collector/promql/exec/distinct.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/exec/place.h"
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
  // What tells its results from those of another measure at the step; no name where nothing has to.
  virtual Label LabelAt(size_t) const { return {}; }
};

class QuantileMeasure final : public Measure {
 public:
  // `label` is the name of the label that says which quantile it is, or "".
  QuantileMeasure(std::vector<double> q, std::string label, Remarker on_q, Remarker on_vector)
      : q_(std::move(q)),
        label_(std::move(label)),
        on_q_(std::move(on_q)),
        on_vector_(std::move(on_vector)) {
    for (const double at_step : q_) {
      if (!IsValid(at_step)) on_q_.Warn(remarks::InvalidQuantile(at_step));
    }
  }

  double OfNative(size_t step, const Histogram& histogram, std::string_view name) override {
    const double quantile = HistogramQuantile(q_[step], histogram);
    if (IsValid(q_[step]) && HasNanObservations(histogram)) {
      on_q_.Inform(std::isnan(quantile) ? remarks::NansMakeQuantileNan(name)
                                        : remarks::NansSkewQuantile(name));
    }
    return quantile;
  }

  double OfClassic(size_t step, std::vector<ClassicBucket>& buckets,
                   std::string_view name) override {
    const BucketQuantileResult quantile = BucketQuantile(q_[step], buckets);
    if (quantile.forced_monotonic) on_vector_.Inform(remarks::ForcedMonotonic(name));
    return quantile.value;
  }

  Label LabelAt(size_t step) const override {
    return label_.empty() ? Label{} : Label{label_, OpenMetricsFloat(q_[step])};
  }

 private:
  static bool IsValid(double q) { return q >= 0 && q <= 1; }

  const std::vector<double> q_;  // one a step
  const std::string label_;
  const Remarker on_q_;
  const Remarker on_vector_;
};

class FractionMeasure final : public Measure {
 public:
  FractionMeasure(std::vector<double> lower, std::vector<double> upper, Remarker remarker)
      : lower_(std::move(lower)), upper_(std::move(upper)), remarker_(std::move(remarker)) {}

  double OfNative(size_t step, const Histogram& histogram, std::string_view name) override {
    if (HasNanObservations(histogram)) {
      remarker_.Inform(remarks::NansOutsideFractions(name));
    }
    return HistogramFraction(lower_[step], upper_[step], histogram);
  }

  double OfClassic(size_t step, std::vector<ClassicBucket>& buckets, std::string_view) override {
    return BucketFraction(lower_[step], upper_[step], buckets);
  }

 private:
  const std::vector<double> lower_;  // one a step
  const std::vector<double> upper_;
  const Remarker remarker_;
};

// Brings together the series of each histogram: a native one's own, or a classic one's buckets.
using Measures = std::vector<std::unique_ptr<Measure>>;

class Histograms {
 public:
  Histograms(Context& context, Measures measures, Remarker remarker)
      : context_(context),
        held_(context.budget),
        measures_(std::move(measures)),
        remarker_(std::move(remarker)),
        steps_(context.steps()) {}

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
      for (size_t measure = 0; measure < measures_.size(); ++measure) {
        LL_RETURN_IF_ERROR(FinishMeasure(group, measure, distinct));
      }
      held_.GiveBack(steps_ * (group.buckets.size() + group.native.size()));
      group.buckets.clear();
      group.native.clear();
    }
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
    // Of each measure, one a step; empty where there is no native histogram.
    std::vector<std::vector<double>> native;
  };

  absl::StatusOr<Group*> GroupOf(LabelSet labels) {
    const auto [found, is_new] = by_labels_.try_emplace(labels, groups_.size());
    if (is_new) {
      LL_RETURN_IF_ERROR(held_.AddLittle(sizeof(Group) + 2 * BytesOf(labels)));
      groups_.push_back({std::make_shared<const LabelSet>(std::move(labels)), {}, {}});
    }
    return &groups_[found->second];
  }

  absl::Status AddNative(const StepSeries& series) {
    LL_ASSIGN_OR_RETURN(Group* const found, GroupOf(*series.labels));
    Group& group = *found;
    if (group.native.empty()) {
      for (size_t i = 0; i < measures_.size(); ++i) {
        LL_RETURN_IF_ERROR(held_.Add(steps_));
        group.native.emplace_back(steps_, AbsentValue());
      }
    }
    const std::string_view name = group.labels->Get(kMetricName);
    for (size_t step = 0; step < steps_; ++step) {
      const Histogram* const histogram = series.histogram(step);
      if (histogram == nullptr) continue;
      for (size_t i = 0; i < measures_.size(); ++i) {
        group.native[i][step] = measures_[i]->OfNative(step, *histogram, name);
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddBucket(const StepSeries& series) {
    LabelSet labels = *series.labels;
    const std::optional<double> bound = ParseBound(labels.Get(kBucketLabel));
    if (!bound.has_value()) {
      remarker_.Warn(remarks::BadBucketLabel(labels.Get(kMetricName), labels.Get(kBucketLabel)));
      return absl::OkStatus();
    }
    LL_RETURN_IF_ERROR(held_.Add(steps_));
    labels.Remove(kBucketLabel);
    LL_ASSIGN_OR_RETURN(Group* const group, GroupOf(std::move(labels)));
    group->buckets.push_back({*bound, series.values});
    return absl::OkStatus();
  }

  // One series for each label that the measure has at some step.
  absl::Status FinishMeasure(const Group& group, size_t measure, Distinct& results) {
    Holding made(context_.budget);
    std::vector<StepSeries> series;
    std::vector<Label> labels;
    for (size_t step = 0; step < steps_; ++step) {
      const double value = ValueAt(group, measure, step);
      if (IsAbsent(value)) continue;
      Label label = measures_[measure]->LabelAt(step);
      size_t i = 0;
      while (i < labels.size() && labels[i] != label) ++i;
      if (i == labels.size()) {
        LL_RETURN_IF_ERROR(made.Add(steps_));
        series.push_back(Labelled(group, label));
        labels.push_back(std::move(label));
      }
      series[i].values[step] = value;
    }
    for (StepSeries& one : series) {
      made.GiveBack(steps_);
      LL_RETURN_IF_ERROR(results.Add(std::move(one)));
    }
    return absl::OkStatus();
  }

  StepSeries Labelled(const Group& group, const Label& label) const {
    StepSeries series(steps_);
    series.labels = group.labels;
    series.name_dropped = true;
    if (!label.name.empty()) {
      LabelSet labels = *group.labels;
      labels.Set(label.name, label.value);
      series.labels = std::make_shared<const LabelSet>(std::move(labels));
    }
    return series;
  }

  double ValueAt(const Group& group, size_t measure, size_t step) {
    at_step_.clear();
    for (const Bucket& bucket : group.buckets) {
      if (!IsAbsent(bucket.counts[step])) {
        at_step_.push_back({bucket.upper_bound, bucket.counts[step]});
      }
    }
    const bool has_native = !group.native.empty() && !IsAbsent(group.native[measure][step]);
    const std::string_view name = group.labels->Get(kMetricName);
    if (has_native && !at_step_.empty()) {
      remarker_.Warn(remarks::MixedClassicAndNative(name));
      return AbsentValue();
    }
    if (has_native) return group.native[measure][step];
    if (at_step_.empty()) return AbsentValue();
    return measures_[measure]->OfClassic(step, at_step_, name);
  }

  Context& context_;
  Holding held_;
  const Measures measures_;
  const Remarker remarker_;
  const size_t steps_;
  LabelKeyMap<size_t> by_labels_;
  std::vector<Group> groups_;
  std::vector<ClassicBucket> at_step_;  // used again at every step
};

absl::Status Evaluate(Context& context, const parse::Call& call, const parse::Expr& vector,
                      Measures measures, Emit emit) {
  Histograms histograms(context, std::move(measures), RemarkerOn(context, vector));
  LL_RETURN_IF_ERROR(
      Evaluator(context).Vector(vector, call.function.name,
                                [&](const StepSeries& series) { return histograms.Add(series); }));
  return histograms.Finish(emit);
}

absl::Status AddQuantile(Context& context, const parse::Expr& q, const std::string& label,
                         const parse::Expr& vector, Measures& measures) {
  LL_ASSIGN_OR_RETURN(std::vector<double> values, Evaluator(context).Scalar(q));
  measures.push_back(std::make_unique<QuantileMeasure>(
      std::move(values), label, RemarkerOn(context, q), RemarkerOn(context, vector)));
  return absl::OkStatus();
}

}  // namespace

absl::Status EvaluateHistogramQuantile(Context& context, const parse::Call& call, Emit emit) {
  Measures measures;
  LL_RETURN_IF_ERROR(AddQuantile(context, *call.arguments[0], "", *call.arguments[1], measures));
  return Evaluate(context, call, *call.arguments[1], std::move(measures), emit);
}

absl::Status EvaluateHistogramQuantiles(Context& context, const parse::Call& call, Emit emit) {
  const auto& label = parse::As<parse::StringLiteral>(parse::Unwrap(*call.arguments[1])).value;
  if (!IsValidLabelName(label)) {
    return absl::FailedPreconditionError(
        fmt::format("invalid label name in {}(): {}", call.function.name, label));
  }
  Measures measures;
  for (size_t i = 2; i < call.arguments.size(); ++i) {
    LL_RETURN_IF_ERROR(
        AddQuantile(context, *call.arguments[i], label, *call.arguments[0], measures));
  }
  return Evaluate(context, call, *call.arguments[0], std::move(measures), emit);
}

absl::Status EvaluateHistogramFraction(Context& context, const parse::Call& call, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> lower, Evaluator(context).Scalar(*call.arguments[0]));
  LL_ASSIGN_OR_RETURN(std::vector<double> upper, Evaluator(context).Scalar(*call.arguments[1]));
  Measures measures;
  measures.push_back(std::make_unique<FractionMeasure>(std::move(lower), std::move(upper),
                                                       RemarkerOn(context, *call.arguments[0])));
  return Evaluate(context, call, *call.arguments[2], std::move(measures), emit);
}

}  // namespace leadline::collector::promql::exec
