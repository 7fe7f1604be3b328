#include "collector/promql/exec/accumulator.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "collector/promql/value/histogram_rows.h"
#include "collector/promql/value/histogram_sum.h"
#include "collector/promql/value/remarks.h"
#include "collector/promql/value/running.h"
#include "collector/promql/value/sums.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// Of each step.
class FloatSums {
 public:
  static constexpr size_t kStepBytes = 2 * sizeof(double);

  explicit FloatSums(size_t steps) : sums_(steps), compensations_(steps) {}

  void Add(absl::Span<const double> values) {
    for (size_t begin = 0; begin < values.size();) {
      const size_t end = NextAbsent(values, begin);
      AddToSums(values.data() + begin, end - begin, sums_.data() + begin,
                compensations_.data() + begin);
      for (begin = end; begin < values.size() && IsAbsent(values[begin]);) ++begin;
    }
  }
  double value(size_t step) const { return sums_[step] + compensations_[step]; }

 private:
  std::vector<double> sums_;
  std::vector<double> compensations_;
};

class FloatMeans {
 public:
  static constexpr size_t kStepBytes = sizeof(Mean);

  explicit FloatMeans(size_t steps) : means_(steps) {}

  void Add(absl::Span<const double> values) {
    for (size_t step = 0; step < values.size(); ++step) {
      if (!IsAbsent(values[step])) means_[step].Add(values[step]);
    }
  }
  double value(size_t step) const { return means_[step].value(); }

 private:
  std::vector<Mean> means_;
};

// Of floats by `Floats`, of histograms by `Histograms`; a group that has both at a step has
// nothing.
template <typename Floats, typename Histograms>
class SumAccumulator final : public Accumulator {
 public:
  static constexpr size_t kStepBytes = Floats::kStepBytes + sizeof(uint8_t);

  SumAccumulator(size_t steps, const Remarker& remarker, Budget& budget)
      : remarker_(remarker), held_(budget), floats_(steps), has_float_(steps) {}

  absl::Status Add(const StepSeries& series) override {
    for (size_t step = 0; step < has_float_.size(); ++step) {
      has_float_[step] |= IsAbsent(series.values[step]) ? 0 : 1;
    }
    floats_.Add(series.values);
    if (!series.histograms.empty()) LL_RETURN_IF_ERROR(AddHistograms(series));
    return series.rows == nullptr ? absl::OkStatus() : AddRows(*series.rows, series);
  }

  void Finish(StepSeries& result) override {
    for (size_t step = 0; step < has_float_.size(); ++step) {
      const bool has_row = rows_ != nullptr && rows_->has(step);
      const bool has_histogram = has_row || (!histograms_.empty() && histograms_[step].any);
      if (has_float_[step] != 0 && has_histogram) {
        remarker_.Warn(remarks::MixedInAggregation());
      } else if (has_float_[step] != 0) {
        result.values[step] = floats_.value(step);
      } else if (has_row) {
        result.SetHistogram(step, std::make_shared<const Histogram>(rows_->value(step)));
      } else if (has_histogram && histograms_[step].sum != nullptr) {
        result.SetHistogram(step,
                            std::make_shared<const Histogram>(histograms_[step].sum->value()));
        histograms_[step].sum.reset();
      }
    }
  }

 private:
  struct OfStep {
    bool any = false;
    std::unique_ptr<Histograms> sum;  // nullptr where they did not fit together
  };

  absl::Status AddHistograms(const StepSeries& series) {
    LL_RETURN_IF_ERROR(LeaveRows());
    for (size_t step = 0; step < histograms_.size(); ++step) {
      const Histogram* const histogram = series.histogram(step);
      if (histogram == nullptr) continue;
      LL_RETURN_IF_ERROR(AddHistogram(*histogram, series, histograms_[step]));
    }
    return absl::OkStatus();
  }

  absl::Status AddHistogram(const Histogram& histogram, const StepSeries& series, OfStep& own) {
    if (!own.any) {
      LL_RETURN_IF_ERROR(
          held_.AddLittle(BytesOfSum(histogram.positive.size() + histogram.negative.size())));
      own = {true, std::make_unique<Histograms>(histogram)};
    } else if (own.sum != nullptr) {
      Remark(own.sum->Add(histogram), series, own);
    }
    return absl::OkStatus();
  }

  static uint64_t BytesOfSum(size_t buckets) {
    return sizeof(Histograms) + buckets * (sizeof(KahanSum) + sizeof(double));
  }

  // Rows of one layout are added up as rows, until there is something else.
  absl::Status AddRows(const WindowRows& rows, const StepSeries& series) {
    if (histograms_.empty() && rows_ == nullptr) {
      rows_ = std::make_unique<SumsOfRows>(has_float_.size());
    }
    const RowShape& shape = rows.rows.shape();
    if (rows_ != nullptr && rows_->Takes(shape)) {
      const size_t width = rows_->WidthWith(shape);
      if (width > width_) {
        LL_RETURN_IF_ERROR(held_.Add(0, (width - width_) * BytesOfCells()));
        width_ = width;
      }
      rows_->Add(rows.rows, rows.has);
      return absl::OkStatus();
    }
    LL_RETURN_IF_ERROR(LeaveRows());
    for (size_t step = 0; step < histograms_.size(); ++step) {
      if (rows.has[step] == 0) continue;
      LL_RETURN_IF_ERROR(AddHistogram(GaugeAt(rows.rows, step), series, histograms_[step]));
    }
    return absl::OkStatus();
  }

  // Of one cell of the rows at all steps.
  uint64_t BytesOfCells() const { return has_float_.size() * sizeof(KahanSum); }

  absl::Status LeaveRows() {
    if (histograms_.empty()) {
      LL_RETURN_IF_ERROR(held_.Add(0, has_float_.size() * sizeof(OfStep)));
      histograms_.resize(has_float_.size());
    }
    if (rows_ == nullptr) return absl::OkStatus();
    for (size_t step = 0; step < histograms_.size(); ++step) {
      if (!rows_->has(step)) continue;
      if constexpr (std::is_same_v<Histograms, SumOfHistograms>) {
        LL_RETURN_IF_ERROR(held_.AddLittle(BytesOfSum(width_)));
        histograms_[step] = {true, std::make_unique<Histograms>(rows_->AsSum(step))};
      }
    }
    rows_ = nullptr;
    held_.GiveBack(0, std::exchange(width_, 0) * BytesOfCells());
    return absl::OkStatus();
  }

  void Remark(const AddOutcome& outcome, const StepSeries& series, OfStep& own) {
    if (!outcome.compatible) {
      own.sum.reset();
      const std::string_view name = series.labels->Get(kMetricName);
      remarker_.Warn(remarks::MixedBuckets(series.name_dropped ? "" : name));
    }
    if (outcome.bounds_reconciled) {
      remarker_.Inform(remarks::ReconciledBounds("aggregation"));
    }
    if (outcome.resets_conflict) {
      remarker_.Warn(remarks::ConflictingResets("aggregation"));
    }
  }

  const Remarker& remarker_;
  Holding held_;  // by histograms
  Floats floats_;
  std::vector<uint8_t> has_float_;
  std::vector<OfStep> histograms_;    // empty until there is one
  std::unique_ptr<SumsOfRows> rows_;  // instead of those; only sums are given rows
  size_t width_ = 0;                  // of the rows, as charged
};

class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(size_t steps, bool max, const Remarker& remarker)
      : max_(max), remarker_(remarker), values_(steps, AbsentValue()) {}

  absl::Status Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      remarker_.Inform(remarks::HistogramIgnored(max_ ? "max" : "min"));
    }
    for (size_t step = 0; step < values_.size(); ++step) {
      const double value = series.values[step];
      if (IsAbsent(value)) continue;
      double& extreme = values_[step];
      // A NaN gives way to anything, and absence is a NaN.
      if (std::isnan(extreme) || (max_ ? value > extreme : value < extreme)) extreme = value;
    }
    return absl::OkStatus();
  }

  void Finish(StepSeries& result) override { result.values = std::move(values_); }

 private:
  const bool max_;
  const Remarker& remarker_;
  std::vector<double> values_;
};

class CountAccumulator final : public Accumulator {
 public:
  // `group`: 1 instead of the count.
  CountAccumulator(size_t steps, bool group) : group_(group), counts_(steps) {}

  absl::Status Add(const StepSeries& series) override {
    for (size_t step = 0; step < counts_.size(); ++step) counts_[step] += series.has(step) ? 1 : 0;
    return absl::OkStatus();
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
  VarianceAccumulator(size_t steps, bool root, const Remarker& remarker)
      : root_(root), remarker_(remarker), variances_(steps) {}

  absl::Status Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      remarker_.Inform(remarks::HistogramIgnored(root_ ? "stddev" : "stdvar"));
    }
    for (size_t step = 0; step < variances_.size(); ++step) {
      if (!IsAbsent(series.values[step])) variances_[step].Add(series.values[step]);
    }
    return absl::OkStatus();
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
  const Remarker& remarker_;
  std::vector<Variance> variances_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeAccumulator(parse::AggregateOp op, size_t steps,
                                             const Remarker& remarker, Budget& budget) {
  switch (op) {
    case parse::AggregateOp::kSum:
      return std::make_unique<SumAccumulator<FloatSums, SumOfHistograms>>(steps, remarker, budget);
    case parse::AggregateOp::kAvg:
      return std::make_unique<SumAccumulator<FloatMeans, MeanOfHistograms>>(steps, remarker,
                                                                            budget);
    case parse::AggregateOp::kMin:
      return std::make_unique<ExtremeAccumulator>(steps, false, remarker);
    case parse::AggregateOp::kMax:
      return std::make_unique<ExtremeAccumulator>(steps, true, remarker);
    case parse::AggregateOp::kCount:
      return std::make_unique<CountAccumulator>(steps, false);
    case parse::AggregateOp::kGroup:
      return std::make_unique<CountAccumulator>(steps, true);
    case parse::AggregateOp::kStddev:
      return std::make_unique<VarianceAccumulator>(steps, true, remarker);
    case parse::AggregateOp::kStdvar:
      return std::make_unique<VarianceAccumulator>(steps, false, remarker);
    default:
      return nullptr;
  }
}

uint64_t AccumulatorStepBytes(parse::AggregateOp op) {
  switch (op) {
    case parse::AggregateOp::kSum:
      return SumAccumulator<FloatSums, SumOfHistograms>::kStepBytes;
    case parse::AggregateOp::kAvg:
      return SumAccumulator<FloatMeans, MeanOfHistograms>::kStepBytes;
    case parse::AggregateOp::kStddev:
    case parse::AggregateOp::kStdvar:
      return sizeof(Variance);
    default:
      return sizeof(double);
  }
}

}  // namespace leadline::collector::promql::exec
