#include "collector/promql/exec/distinct.h"

#include <fmt/format.h>

#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// What a series takes beside its samples, with the labels that it is found by.
uint64_t BytesWithKey(const StepSeries& series) {
  return series.other_bytes() + BytesOf(*series.labels);
}

}  // namespace

absl::Status Distinct::Add(StepSeries series) {
  const bool hides_name = series.name_dropped && !series.labels->Get(kMetricName).empty();
  const auto [found, is_new] = (hides_name ? by_labels_hidden_name_ : by_labels_)
                                   .try_emplace(*series.labels, series_.size());
  if (is_new) {
    LL_RETURN_IF_ERROR(held_.Add(series.sample_count(), BytesWithKey(series)));
    series_.push_back(std::move(series));
    return absl::OkStatus();
  }
  StepSeries& joined = series_[found->second];
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (!series.has(step)) continue;
    if (joined.has(step)) {
      return absl::FailedPreconditionError(fmt::format("{}", collision_));
    }
    joined.values[step] = series.values[step];
    if (series.histogram(step) != nullptr) {
      LL_RETURN_IF_ERROR(held_.Add(joined.samples_to_set(*series.histogram(step), step)));
      joined.SetHistogram(step, series.histograms[step]);
    }
  }
  return absl::OkStatus();
}

absl::Status Distinct::Finish(Emit emit) {
  by_labels_.clear();
  by_labels_hidden_name_.clear();
  for (StepSeries& series : series_) {
    held_.GiveBack(series.sample_count(), BytesWithKey(series));
    LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
