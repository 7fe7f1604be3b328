#include "collector/promql/exec/series.h"

#include <utility>

namespace leadline::collector::promql::exec {

bool StepSeries::HasAny() const {
  for (size_t step = 0; step < values.size(); ++step) {
    if (has(step)) return true;
  }
  return false;
}

void StepSeries::Set(size_t step, Sample sample) {
  values[step] = sample.value;
  if (sample.histogram != nullptr) SetHistogram(step, std::move(sample.histogram));
}

void StepSeries::Clear(size_t step) {
  values[step] = AbsentValue();
  if (!histograms.empty()) histograms[step] = nullptr;
}

void StepSeries::SetHistogram(size_t step, std::shared_ptr<const Histogram> histogram) {
  if (histograms.empty()) histograms.resize(values.size());
  histograms[step] = std::move(histogram);
}

LabelSet StepSeries::VisibleLabels() const {
  LabelSet visible = *labels;
  if (name_dropped) visible.Remove(kMetricName);
  return visible;
}

}  // namespace leadline::collector::promql::exec
