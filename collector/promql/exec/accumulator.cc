#include "collector/promql/exec/accumulator.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "collector/promql/exec/group_histograms.h"
#include "collector/promql/exec/step_range.h"
#include "collector/promql/value/remarks.h"
#include "collector/promql/value/running.h"
#include "collector/promql/value/sums.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// From the first step at which the series has a float to the last.
StepRange FloatsOf(const StepSeries& series) {
  const std::vector<double>& values = series.values;
  size_t end = values.size();
  const size_t begin = NextPresent(values, 0);
  while (end > begin && IsAbsent(values[end - 1])) --end;
  return {begin, end};
}

// The same of whatever it has.
StepRange AllOf(const StepSeries& series) {
  StepRange range = FloatsOf(series);
  for (size_t step = 0; step < series.histograms.size(); ++step) {
    if (series.histogram(step) != nullptr) range = range.With({step, step + 1});
  }
  return range;
}

class FloatSums {
 public:
  static constexpr uint64_t kStepBytes = 2 * sizeof(double);

  void Widen(const StepRange& range) {
    sums_.Widen(range);
    compensations_.Widen(range);
  }
  // Values from step `begin` on, all of which are there.
  void Add(size_t begin, absl::Span<const double> values) {
    AddToSums(values.data(), values.size(), &sums_[begin], &compensations_[begin]);
  }
  double value(size_t step) const { return sums_[step] + compensations_[step]; }

 private:
  StepColumn<double> sums_;
  StepColumn<double> compensations_;
};

class FloatMeans {
 public:
  static constexpr uint64_t kStepBytes = sizeof(Mean);

  void Widen(const StepRange& range) { means_.Widen(range); }
  void Add(size_t begin, absl::Span<const double> values) {
    for (const double value : values) means_[begin++].Add(value);
  }
  double value(size_t step) const { return means_[step].value(); }

 private:
  StepColumn<Mean> means_;
};

// Floats, and at which steps there are any.
template <typename Floats>
class MaybeFloats {
 public:
  static constexpr uint64_t kStepBytes = Floats::kStepBytes + sizeof(uint8_t);

  void Widen(const StepRange& range) {
    floats_.Widen(range);
    has_.Widen(range);
  }
  // `values` at all steps, of which those in the range are looked at.
  void Add(const StepRange& range, absl::Span<const double> values) {
    for (size_t begin = range.begin; begin < range.end;) {
      const size_t end = NextAbsent(values.first(range.end), begin);
      floats_.Add(begin, values.subspan(begin, end - begin));
      std::fill_n(&has_[begin], end - begin, uint8_t{1});
      begin = NextPresent(values.first(range.end), end);
    }
  }
  bool has(size_t step) const { return has_[step] != 0; }
  double value(size_t step) const { return floats_.value(step); }

 private:
  Floats floats_;
  StepColumn<uint8_t> has_;
};

// A group that has both floats and histograms at a step has nothing.
template <typename Floats, typename Histograms>
class SumAccumulator final : public Accumulator {
 public:
  SumAccumulator(size_t steps, const Remarker& remarker, Budget& budget)
      : remarker_(remarker), floats_(budget), histograms_(steps, remarker, budget) {}

  absl::Status Add(const StepSeries& series) override {
    if (const StepRange range = FloatsOf(series); range.size() > 0) {
      LL_RETURN_IF_ERROR(floats_.Cover(range));
      floats_->Add(range, series.values);
    }
    return histograms_.Add(series);
  }

  void Finish(StepSeries& result) override {
    const StepRange range =
        histograms_.empty() ? floats_.range() : StepRange{0, result.values.size()};
    for (size_t step = range.begin; step < range.end; ++step) {
      const bool has_float = floats_.range().Has(step) && floats_->has(step);
      const bool has_histogram = histograms_.has(step);
      if (has_float && has_histogram) {
        remarker_.Warn(remarks::MixedInAggregation());
      } else if (has_float) {
        result.values[step] = floats_->value(step);
      } else if (has_histogram) {
        if (auto sum = histograms_.Take(step)) result.SetHistogram(step, std::move(sum));
      }
    }
  }

 private:
  const Remarker& remarker_;
  Ranged<MaybeFloats<Floats>> floats_;
  GroupHistograms<Histograms> histograms_;
};

class ExtremeAccumulator final : public Accumulator {
 public:
  ExtremeAccumulator(bool max, const Remarker& remarker, Budget& budget)
      : max_(max), remarker_(remarker), extremes_(budget) {}

  absl::Status Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      remarker_.Inform(remarks::HistogramIgnored(max_ ? "max" : "min"));
    }
    const StepRange range = FloatsOf(series);
    LL_RETURN_IF_ERROR(extremes_.Cover(range));
    for (size_t step = range.begin; step < range.end; ++step) {
      const double value = series.values[step];
      if (IsAbsent(value)) continue;
      double& extreme = (*extremes_)[step].value;
      // A NaN gives way to anything, and absence is a NaN.
      if (std::isnan(extreme) || (max_ ? value > extreme : value < extreme)) extreme = value;
    }
    return absl::OkStatus();
  }

  void Finish(StepSeries& result) override {
    extremes_.ForEach([&](size_t step, Extreme& extreme) { result.values[step] = extreme.value; });
  }

 private:
  struct Extreme {
    double value = AbsentValue();
  };

  const bool max_;
  const Remarker& remarker_;
  Ranged<StepColumn<Extreme>> extremes_;
};

class CountAccumulator final : public Accumulator {
 public:
  // `group`: 1 instead of the count.
  CountAccumulator(bool group, Budget& budget) : group_(group), counts_(budget) {}

  absl::Status Add(const StepSeries& series) override {
    const StepRange range = AllOf(series);
    LL_RETURN_IF_ERROR(counts_.Cover(range));
    if (range.size() == 0) return absl::OkStatus();
    uint64_t* const counts = &(*counts_)[range.begin];
    if (series.histograms.empty()) {
      CountPresent(absl::MakeConstSpan(series.values).subspan(range.begin, range.size()), counts);
      return absl::OkStatus();
    }
    for (size_t i = 0; i < range.size(); ++i) counts[i] += series.has(range.begin + i) ? 1 : 0;
    return absl::OkStatus();
  }

  void Finish(StepSeries& result) override {
    counts_.ForEach([&](size_t step, uint64_t count) {
      if (count > 0) result.values[step] = group_ ? 1 : static_cast<double>(count);
    });
  }

 private:
  const bool group_;
  Ranged<StepColumn<uint64_t>> counts_;
};

class VarianceAccumulator final : public Accumulator {
 public:
  VarianceAccumulator(bool root, const Remarker& remarker, Budget& budget)
      : root_(root), remarker_(remarker), variances_(budget) {}

  absl::Status Add(const StepSeries& series) override {
    if (!series.histograms.empty()) {
      remarker_.Inform(remarks::HistogramIgnored(root_ ? "stddev" : "stdvar"));
    }
    const StepRange range = FloatsOf(series);
    LL_RETURN_IF_ERROR(variances_.Cover(range));
    for (size_t step = range.begin; step < range.end; ++step) {
      if (!IsAbsent(series.values[step])) (*variances_)[step].Add(series.values[step]);
    }
    return absl::OkStatus();
  }

  void Finish(StepSeries& result) override {
    variances_.ForEach([&](size_t step, const Variance& variance) {
      if (variance.count == 0) return;
      result.values[step] = root_ ? std::sqrt(variance.value()) : variance.value();
    });
  }

 private:
  const bool root_;
  const Remarker& remarker_;
  Ranged<StepColumn<Variance>> variances_;
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
      return std::make_unique<ExtremeAccumulator>(/*max=*/false, remarker, budget);
    case parse::AggregateOp::kMax:
      return std::make_unique<ExtremeAccumulator>(/*max=*/true, remarker, budget);
    case parse::AggregateOp::kCount:
      return std::make_unique<CountAccumulator>(/*group=*/false, budget);
    case parse::AggregateOp::kGroup:
      return std::make_unique<CountAccumulator>(/*group=*/true, budget);
    case parse::AggregateOp::kStddev:
      return std::make_unique<VarianceAccumulator>(/*root=*/true, remarker, budget);
    case parse::AggregateOp::kStdvar:
      return std::make_unique<VarianceAccumulator>(/*root=*/false, remarker, budget);
    default:
      return nullptr;
  }
}

}  // namespace leadline::collector::promql::exec
