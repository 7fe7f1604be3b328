#include "collector/promql/exec/looked_at.h"

#include <numeric>

#include "collector/promql/exec/budget.h"

namespace leadline::collector::promql::exec {
namespace {

// Prometheus' histogram without its buckets, with a timestamp; each bucket, custom bound and run of
// buckets side by side takes as much as a number.
constexpr uint64_t kHistogramBytes = 176;

uint64_t Runs(const std::vector<Histogram::Bucket>& buckets) {
  uint64_t runs = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (i == 0 || buckets[i].index != buckets[i - 1].index + 1) ++runs;
  }
  return runs;
}

uint64_t SamplesIn(uint64_t numbers) {
  return (kHistogramBytes + numbers * sizeof(double)) / kSampleBytes;
}

}  // namespace

uint64_t LookedAtFor(const Histogram& histogram) {
  return SamplesIn(histogram.positive.size() + histogram.negative.size() +
                   histogram.custom_bounds.size() + Runs(histogram.positive) +
                   Runs(histogram.negative));
}

uint64_t LookedAtFor(const HistogramColumns& columns) {
  const uint64_t buckets = columns.buckets().size();
  return SamplesIn(buckets + (buckets == 0 ? 0 : 1));
}

void LookedAt::Add(const StepSeries& series) {
  for (size_t step = 0; step < steps_.size(); ++step) {
    if (const Histogram* const histogram = series.histogram(step)) {
      steps_[step] += LookedAtFor(*histogram);
    } else if (!IsAbsent(series.values[step])) {
      ++steps_[step];
    }
  }
}

uint64_t LookedAt::total() const {
  return std::accumulate(steps_.begin(), steps_.end(), uint64_t{0});
}

}  // namespace leadline::collector::promql::exec
