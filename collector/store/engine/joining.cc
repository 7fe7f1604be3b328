#include "collector/store/engine/joining.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "collector/model/sample.h"

namespace leadline::collector::store::engine {
namespace {

bool IsStale(double value) { return model::IsStaleNan(value); }
bool IsStale(const model::NativeHistogram& value) { return model::IsStaleNan(value.sum); }

// From `at_ms` on another entity has the samples. What this one counted after that (a container
// whose cgroup outlives the start of the one that replaces it) is told at the last moment before.
template <typename Value>
void HandOver(int64_t at_ms, int64_t start_ms, std::vector<int64_t>& ts_ms,
              std::vector<Value>& values) {
  const auto kept = std::lower_bound(ts_ms.begin(), ts_ms.end(), at_ms) - ts_ms.begin();
  const auto last = std::find_if(values.rbegin(), values.rend() - kept,
                                 [](const Value& value) { return !IsStale(value); });
  std::optional<Value> final;
  if (last != values.rend() - kept && at_ms - 1 >= start_ms) final = std::move(*last);
  ts_ms.resize(static_cast<size_t>(kept));
  values.resize(static_cast<size_t>(kept));
  if (!final) return;
  if (!ts_ms.empty() && ts_ms.back() == at_ms - 1) {
    values.back() = *std::move(final);
  } else {
    ts_ms.push_back(at_ms - 1);
    values.push_back(*std::move(final));
  }
}

template <typename Value>
void Append(std::vector<int64_t>& newer_ts_ms, std::vector<Value>& newer_values,
            std::vector<int64_t>& ts_ms, std::vector<Value>& values) {
  chunk::Samples<Value> samples{std::move(ts_ms), std::move(values)};
  samples.ts_ms.insert(samples.ts_ms.end(), newer_ts_ms.begin(), newer_ts_ms.end());
  samples.values.insert(samples.values.end(), std::make_move_iterator(newer_values.begin()),
                        std::make_move_iterator(newer_values.end()));
  chunk::SortKeepLast(samples);
  ts_ms = std::move(samples.ts_ms);
  values = std::move(samples.values);
}

}  // namespace

void EndAt(int64_t ts_ms, SeriesBlock& block) {
  if (!block.ts_ms.empty()) {
    block.ts_ms.push_back(ts_ms);
    block.values.push_back(model::StaleNan());
  }
  if (!block.histogram_ts_ms.empty()) {
    model::NativeHistogram marker;
    marker.sum = model::StaleNan();
    block.histogram_ts_ms.push_back(ts_ms);
    block.histograms.push_back(std::move(marker));
  }
}

void Join(Part newer, int64_t start_ms, Part& part) {
  SeriesBlock& block = part.block;
  if (newer.begin_ms > part.begin_ms) {
    HandOver(newer.begin_ms, start_ms, block.ts_ms, block.values);
    HandOver(newer.begin_ms, start_ms, block.histogram_ts_ms, block.histograms);
  }
  Append(newer.block.ts_ms, newer.block.values, block.ts_ms, block.values);
  Append(newer.block.histogram_ts_ms, newer.block.histograms, block.histogram_ts_ms,
         block.histograms);
  part.begin_ms = newer.begin_ms;
  block.entity = newer.block.entity;
  block.entity_start_ms = std::min(block.entity_start_ms, newer.block.entity_start_ms);
  block.entity_end_ms = std::max(block.entity_end_ms, newer.block.entity_end_ms);
}

}  // namespace leadline::collector::store::engine
