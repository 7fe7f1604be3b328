// The histograms of one group of a sum or mean, at every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/budget.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/value/histogram_columns.h"
#include "collector/promql/value/histogram_sum.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

// Kept by `Histograms`: SumOfHistograms or MeanOfHistograms.
template <typename Histograms>
class GroupHistograms {
 public:
  // Both outlive it; the budget is charged for what it holds.
  GroupHistograms(size_t steps, const Remarker& remarker, Budget& budget)
      : steps_(steps), remarker_(remarker), held_(budget) {}

  // Takes in what the series has of histograms.
  absl::Status Add(const StepSeries& series) {
    if (!series.histograms.empty()) LL_RETURN_IF_ERROR(AddHistograms(series));
    return series.columns == nullptr ? absl::OkStatus() : AddColumns(*series.columns, series);
  }

  bool empty() const { return columns_ == nullptr && histograms_.empty(); }
  bool has(size_t step) const {
    return (columns_ != nullptr && columns_->has(step)) ||
           (!histograms_.empty() && histograms_[step].any);
  }
  // nullptr where the histograms did not fit together. Called once a step. REQUIRES: has(step).
  std::shared_ptr<const Histogram> Take(size_t step) {
    if (columns_ != nullptr) return std::make_shared<const Histogram>(columns_->value(step));
    const std::unique_ptr<Histograms> sum = std::move(histograms_[step].sum);
    return sum == nullptr ? nullptr : std::make_shared<const Histogram>(sum->value());
  }

 private:
  struct OfStep {
    bool any = false;
    std::unique_ptr<Histograms> sum;  // nullptr where they did not fit together
  };

  absl::Status AddHistograms(const StepSeries& series) {
    LL_RETURN_IF_ERROR(LeaveColumns());
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

  // Columns of one layout are added up as columns, until there is something else.
  absl::Status AddColumns(const WindowColumns& added, const StepSeries& series) {
    if (histograms_.empty() && columns_ == nullptr) {
      columns_ = std::make_unique<SumsOfColumns>(steps_);
    }
    if (columns_ != nullptr && columns_->Takes(added.columns)) {
      const size_t width = columns_->WidthWith(added.columns);
      if (width > width_) {
        LL_RETURN_IF_ERROR(held_.Add(0, (width - width_) * BytesOfColumn()));
        width_ = width;
      }
      columns_->Add(added.columns, added.has);
      return absl::OkStatus();
    }
    LL_RETURN_IF_ERROR(LeaveColumns());
    for (size_t step = 0; step < histograms_.size(); ++step) {
      if (added.has[step] == 0) continue;
      LL_RETURN_IF_ERROR(AddHistogram(GaugeAt(added.columns, step), series, histograms_[step]));
    }
    return absl::OkStatus();
  }

  uint64_t BytesOfColumn() const { return steps_ * sizeof(KahanSum); }

  absl::Status LeaveColumns() {
    if (histograms_.empty()) {
      LL_RETURN_IF_ERROR(held_.Add(0, steps_ * sizeof(OfStep)));
      histograms_.resize(steps_);
    }
    if (columns_ == nullptr) return absl::OkStatus();
    for (size_t step = 0; step < histograms_.size(); ++step) {
      if (!columns_->has(step)) continue;
      if constexpr (std::is_same_v<Histograms, SumOfHistograms>) {
        LL_RETURN_IF_ERROR(held_.AddLittle(BytesOfSum(width_)));
        histograms_[step] = {true, std::make_unique<Histograms>(columns_->AsSum(step))};
      }
    }
    columns_ = nullptr;
    held_.GiveBack(0, std::exchange(width_, 0) * BytesOfColumn());
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

  const size_t steps_;
  const Remarker& remarker_;
  Holding held_;
  std::vector<OfStep> histograms_;          // empty until there is one
  std::unique_ptr<SumsOfColumns> columns_;  // instead of those; only sums are given columns
  size_t width_ = 0;                        // of the columns, as charged
};

}  // namespace leadline::collector::promql::exec
