#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "common/status_macros.h"
#include "tests/promql/script.h"
#include "tests/promql/script_nhcb.h"
#include "tests/promql/script_values.h"

namespace leadline::collector::promqltest {
namespace {

using promql::Histogram;
using promql::Sample;

bool IsWhole(double count) { return count >= 0 && count <= 0x1p53 && count == std::floor(count); }

// With whole counts where all are such.
model::NativeHistogram ToModel(const Histogram& from) {
  model::NativeHistogram to = from.ToModel();
  bool all_whole = true;
  const auto for_each_count = [&to](auto use) {
    use(to.zero_count);
    use(to.count);
    for (auto* buckets : {&to.positive, &to.negative}) {
      for (auto& bucket : *buckets) use(bucket.count);
    }
  };
  for_each_count([&](uint64_t& count) { all_whole &= IsWhole(to.AsDouble(count)); });
  if (!all_whole) return to;
  for_each_count([&](uint64_t& count) { count = static_cast<uint64_t>(to.AsDouble(count)); });
  to.float_counts = false;
  return to;
}

// In their order; of a series that is there twice the latter counts.
absl::StatusOr<std::vector<SteppedSeries>> SeriesOf(const LoadCommand& load) {
  std::map<LabelSet, size_t> numbers;
  std::vector<SteppedSeries> all;
  for (const LoadedSeries& loaded : load.series) {
    LL_ASSIGN_OR_RETURN(LabelSet labels, ParseLabels(loaded.text));
    LL_ASSIGN_OR_RETURN(auto values, ParseValues(loaded.values));
    const size_t number = numbers.try_emplace(labels, all.size()).first->second;
    if (number == all.size()) all.push_back({std::move(labels), {}});
    all[number].values = std::move(values);
  }
  return all;
}

store::SeriesBlock BlockOf(const SteppedSeries& series, const LoadCommand& load) {
  store::SeriesBlock block;
  block.labels = std::make_shared<const LabelSet>(series.labels);
  block.entity_start_ms = load.entity_start_ms;
  block.entity_end_ms = load.entity_end_ms;
  for (size_t i = 0; i < series.values.size(); ++i) {
    const std::optional<Sample>& sample = series.values[i];
    if (!sample.has_value()) continue;
    const int64_t ts_ms = static_cast<int64_t>(i) * load.interval_ms;
    if (sample->histogram != nullptr) {
      block.histogram_ts_ms.push_back(ts_ms);
      block.histograms.push_back(ToModel(*sample->histogram));
    } else {
      block.ts_ms.push_back(ts_ms);
      block.values.push_back(sample->value);
    }
  }
  return block;
}

}  // namespace

absl::Status LoadInto(MemoryQueryable& store, const LoadCommand& load) {
  LL_ASSIGN_OR_RETURN(const std::vector<SteppedSeries> loaded, SeriesOf(load));
  for (const SteppedSeries& series : loaded) store.Append(BlockOf(series, load));
  if (!load.with_custom_buckets) return absl::OkStatus();
  LL_ASSIGN_OR_RETURN(const std::vector<SteppedSeries> made, WithCustomBuckets(loaded));
  for (const SteppedSeries& series : made) store.Append(BlockOf(series, load));
  return absl::OkStatus();
}
}  // namespace leadline::collector::promqltest
