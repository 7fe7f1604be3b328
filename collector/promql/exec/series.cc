#include "collector/promql/exec/series.h"

#include <algorithm>
#include <utility>

#include "collector/promql/exec/budget.h"
#include "collector/promql/value/sums.h"

namespace leadline::collector::promql::exec {

bool StepSeries::HasAny() const {
  if (columns != nullptr && columns->any()) return true;
  if (NextPresent(values, 0) < values.size()) return true;
  return std::any_of(histograms.begin(), histograms.end(),
                     [](const auto& histogram) { return histogram != nullptr; });
}

uint64_t BytesOf(const LabelSet& labels) {
  uint64_t bytes = sizeof(LabelSet);
  for (const Label& label : labels) {
    bytes += sizeof(Label) + label.name.size() + label.value.size();
  }
  return bytes;
}

uint64_t SampleCount(const Histogram& histogram) {
  return sizeof(Histogram) / kSampleBytes + histogram.positive.size() + histogram.negative.size();
}

uint64_t SampleCount(const std::vector<std::shared_ptr<const Histogram>>& histograms) {
  uint64_t count = histograms.size();
  const Histogram* last = nullptr;
  for (const auto& histogram : histograms) {
    if (histogram == nullptr || histogram.get() == last) continue;
    last = histogram.get();
    count += SampleCount(*last);
  }
  return count;
}

uint64_t SampleCount(const HistogramColumns& columns) {
  return columns.size() * columns.width() * sizeof(double) / kSampleBytes;
}

uint64_t StepSeries::sample_count() const {
  return values.size() + SampleCount(histograms) +
         (columns == nullptr ? 0 : SampleCount(columns->columns));
}

uint64_t StepSeries::samples_to_set(const Histogram& one, size_t step) const {
  const uint64_t first = histograms.empty() ? values.size() : 0;
  const bool is_again = step > 0 && histogram(step - 1) == &one;
  return first + (is_again ? 0 : promql::exec::SampleCount(one));
}

uint64_t StepSeries::other_bytes() const {
  constexpr uint64_t kOfAllocations = 64;  // those of its values and labels
  return sizeof(StepSeries) + kOfAllocations + BytesOf(*labels);
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
