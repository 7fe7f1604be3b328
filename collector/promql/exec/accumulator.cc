#include "collector/promql/exec/accumulator.h"

#include <cmath>
#include <vector>

#include "collector/promql/value/remarks.h"
#include "collector/promql/value/running.h"

namespace leadline::collector::promql::exec {
namespace {

class SumAccumulator final : public Accumulator {
 public:
  SumAccumulator(size_t steps, bool mean, Annotations& annotations)
      : mean_(mean),
        annotations_(annotations),
        sums_(mean ? 0 : steps),
        means_(mean ? steps : 0),
        float_counts_(steps) {}

  void Add(const StepSeries& series) override {
    for (size_t step = 0; step < series.values.size(); ++step) {
      if (IsAbsent(series.values[step])) continue;
      ++float_counts_[step];
      if (mean_) {
        means_[step].Add(series.values[step]);
      } else {
        sums_[step].Add(series.values[step]);
      }
    }
    if (!series.histograms.empty()) AddHistograms(series);
  }

  void Finish(StepSeries& result) override {
    for (size_t step = 0; step < float_counts_.size(); ++step) {
      const bool has_histogram = !histograms_.empty() && histograms_[step] != nullptr;
      if (float_counts_[step] > 0 && has_histogram) {
        annotations_.warnings.insert(remarks::MixedInAggregation());
      } else if (float_counts_[step] > 0) {
        result.values[step] = mean_ ? means_[step].value() : sums_[step].value();
      } else if (has_histogram) {
        if (mean_) histograms_[step]->Divide(static_cast<double>(histogram_counts_[step]));
        histograms_[step]->Compact();
        result.SetHistogram(step, std::move(histograms_[step]));
      }
    }
  }

 private:
  void AddHistograms(const StepSeries& series) {
    histograms_.resize(float_counts_.size());
    histogram_counts_.resize(float_counts_.size());
    for (size_t step = 0; step < histograms_.size(); ++step) {
      const Histogram* const histogram = series.histogram(step);
      if (histogram == nullptr) continue;
      ++histogram_counts_[step];
      if (histograms_[step] == nullptr) {
        histograms_[step] = std::make_shared<Histogram>(*histogram);
      } else {
        histograms_[step]->Add(*histogram);
      }
    }
  }

  const bool mean_;
  Annotations& annotations_;
  std::vector<KahanSum> sums_;
  std::vector<Mean> means_;
  std::vector<uint64_t> float_counts_;
  std::vector<std::shared_ptr<Histogram>> histograms_;  // empty until there is one
  std::vector<uint64_t> histogram_counts_;
};

class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(size_t steps, bool max, Annotations& annotations)
      : max_(max), annotations_(annotations), values_(steps, AbsentValue()) {}

  void Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      annotations_.infos.insert(remarks::HistogramIgnored(max_ ? "max" : "min"));
    }
    for (size_t step = 0; step < values_.size(); ++step) {
      const double value = series.values[step];
      if (IsAbsent(value)) continue;
      double& extreme = values_[step];
      // A NaN gives way to anything, and absence is a NaN.
      if (std::isnan(extreme) || (max_ ? value > extreme : value < extreme)) extreme = value;
    }
  }

  void Finish(StepSeries& result) override { result.values = std::move(values_); }

 private:
  const bool max_;
  Annotations& annotations_;
  std::vector<double> values_;
};

class CountAccumulator final : public Accumulator {
 public:
  // `group`: 1 instead of the count.
  CountAccumulator(size_t steps, bool group) : group_(group), counts_(steps) {}

  void Add(const StepSeries& series) override {
    for (size_t step = 0; step < counts_.size(); ++step) counts_[step] += series.has(step) ? 1 : 0;
  }

  void Finish(StepSeries& result) override {
    for (size_t step = 0; step < counts_.size(); ++step) {
      if (counts_[step] > 0) result.values[step] = group_ ? 1 : static_cast<double>(counts_[step]);
    }
  }

 private:
  const bool group_;
  std::vector<uint64_t> counts_;
};

class VarianceAccumulator final : public Accumulator {
 public:
  VarianceAccumulator(size_t steps, bool root, Annotations& annotations)
      : root_(root), annotations_(annotations), variances_(steps) {}

  void Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      annotations_.infos.insert(remarks::HistogramIgnored(root_ ? "stddev" : "stdvar"));
    }
    for (size_t step = 0; step < variances_.size(); ++step) {
      if (!IsAbsent(series.values[step])) variances_[step].Add(series.values[step]);
    }
  }

  void Finish(StepSeries& result) override {
    for (size_t step = 0; step < variances_.size(); ++step) {
      if (variances_[step].count == 0) continue;
      const double variance = variances_[step].value();
      result.values[step] = root_ ? std::sqrt(variance) : variance;
    }
  }

 private:
  const bool root_;
  Annotations& annotations_;
  std::vector<Variance> variances_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeAccumulator(parse::AggregateOp op, size_t steps,
                                             Annotations& annotations) {
  switch (op) {
    case parse::AggregateOp::kSum:
      return std::make_unique<SumAccumulator>(steps, false, annotations);
    case parse::AggregateOp::kAvg:
      return std::make_unique<SumAccumulator>(steps, true, annotations);
    case parse::AggregateOp::kMin:
      return std::make_unique<ExtremeAccumulator>(steps, false, annotations);
    case parse::AggregateOp::kMax:
      return std::make_unique<ExtremeAccumulator>(steps, true, annotations);
    case parse::AggregateOp::kCount:
      return std::make_unique<CountAccumulator>(steps, false);
    case parse::AggregateOp::kGroup:
      return std::make_unique<CountAccumulator>(steps, true);
    case parse::AggregateOp::kStddev:
      return std::make_unique<VarianceAccumulator>(steps, true, annotations);
    case parse::AggregateOp::kStdvar:
      return std::make_unique<VarianceAccumulator>(steps, false, annotations);
    default:
      return nullptr;
  }
}

}  // namespace leadline::collector::promql::exec
