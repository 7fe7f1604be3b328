#include "collector/promql/exec/accumulator.h"

#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace leadline::collector::promql::exec {
namespace {

// A sum whose rounding errors are kept apart and added last.
struct KahanSum {
  double sum = 0;
  double compensation = 0;

  void Add(double value) {
    const double total = sum + value;
    if (std::isinf(total)) {
      compensation = 0;
    } else if (std::fabs(sum) >= std::fabs(value)) {
      compensation += (sum - total) + value;
    } else {
      compensation += (value - total) + sum;
    }
    sum = total;
  }
  double value() const { return sum + compensation; }
};

// A mean that turns to incremental computation where the sum would overflow.
struct Mean {
  KahanSum sum;  // or the mean itself, once incremental
  uint64_t count = 0;
  bool incremental = false;

  void Add(double value) {
    ++count;
    if (!incremental) {
      KahanSum next = sum;
      next.Add(value);
      if (count == 1 || !std::isinf(next.value())) {
        sum = next;
        return;
      }
      incremental = true;
      const auto before = static_cast<double>(count - 1);
      sum.sum /= before;
      sum.compensation /= before;
    }
    const auto n = static_cast<double>(count);
    const double weight = (n - 1) / n;
    sum.sum *= weight;
    sum.compensation *= weight;
    sum.Add(value / n);
  }
  double value() const {
    return incremental ? sum.value() : sum.value() / static_cast<double>(count);
  }
};

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
        annotations_.warnings.insert(
            fmt::format("PromQL warning: encountered a mix of histograms and floats for {}",
                        mean_ ? "avg" : "sum"));
      } else if (float_counts_[step] > 0) {
        result.values[step] = mean_ ? means_[step].value() : sums_[step].value();
      } else if (has_histogram) {
        if (mean_) histograms_[step]->Scale(1 / static_cast<double>(histogram_counts_[step]));
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
      annotations_.infos.insert(
          fmt::format("PromQL info: ignored histogram in {} aggregation", max_ ? "max" : "min"));
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
  explicit CountAccumulator(size_t steps) : counts_(steps) {}

  void Add(const StepSeries& series) override {
    for (size_t step = 0; step < counts_.size(); ++step) counts_[step] += series.has(step) ? 1 : 0;
  }

  void Finish(StepSeries& result) override {
    for (size_t step = 0; step < counts_.size(); ++step) {
      if (counts_[step] > 0) result.values[step] = static_cast<double>(counts_[step]);
    }
  }

 private:
  std::vector<uint64_t> counts_;
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
      return std::make_unique<CountAccumulator>(steps);
    default:
      return nullptr;
  }
}

}  // namespace leadline::collector::promql::exec
