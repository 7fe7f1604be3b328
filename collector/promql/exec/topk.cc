#include "collector/promql/exec/topk.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "collector/promql/exec/place.h"
#include "collector/promql/value/remarks.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

TopK::TopK(Context& context, const parse::Aggregate& aggregate, std::vector<int64_t> k)
    : held_(context.budget),
      remarker_(RemarkerOn(context, aggregate)),
      largest_(aggregate.op == parse::AggregateOp::kTopk),
      grouping_(context.budget, aggregate.without, aggregate.labels),
      k_(std::move(k)) {}

bool TopK::Better(const Entry& a, const Entry& b) const {
  if (std::isnan(a.value) != std::isnan(b.value)) return std::isnan(b.value);
  if (a.value != b.value && !std::isnan(a.value)) {
    return largest_ ? a.value > b.value : a.value < b.value;
  }
  return a.series < b.series;
}

bool TopK::Offer(std::vector<Entry>& heap, int64_t k, const Entry& entry) const {
  const auto better = [this](const Entry& a, const Entry& b) { return Better(a, b); };
  if (k < 1) return false;
  if (heap.size() >= static_cast<uint64_t>(k)) {
    if (!Better(entry, heap.front())) return false;
    std::pop_heap(heap.begin(), heap.end(), better);
    heap.pop_back();
  }
  heap.push_back(entry);
  std::push_heap(heap.begin(), heap.end(), better);
  return true;
}

// What they take beside the samples that they count as: heaps have room for more than there is.
absl::Status TopK::Charge(uint64_t entries) { return held_.Add(entries, entries * sizeof(Entry)); }

absl::Status TopK::Add(StepSeries series) {
  constexpr uint64_t kLagEntries = 1024;
  LL_ASSIGN_OR_RETURN(const size_t number, grouping_.GroupOf(series));
  if (number == groups_.size()) {
    LL_RETURN_IF_ERROR(held_.Add(0, k_.size() * kStepBytes));
    groups_.push_back({std::vector<std::vector<Entry>>(k_.size()),
                       std::vector<double>(k_.size(), std::numeric_limits<double>::quiet_NaN())});
  }
  Group& group = groups_[number];
  if (!series.histograms.empty()) {
    remarker_.Inform(remarks::HistogramIgnored(largest_ ? "topk" : "bottomk"));
  }
  bool used = false;
  uint64_t grown = 0;
  for (size_t step = 0; step < k_.size(); ++step) {
    const double value = series.values[step];
    if (IsBelow(value, group.bars[step]) || IsAbsent(value)) continue;
    std::vector<Entry>& heap = group.heaps[step];
    const size_t before = heap.size();
    used |= Offer(heap, k_[step], {value, kept_.size()});
    grown += heap.size() - before;
    if (!heap.empty() && heap.size() >= static_cast<uint64_t>(k_[step])) {
      group.bars[step] = heap.front().value;
    }
    if (grown == kLagEntries) LL_RETURN_IF_ERROR(Charge(std::exchange(grown, 0)));
  }
  if (used) {
    LL_RETURN_IF_ERROR(held_.AddLittle(sizeof(Kept) + BytesOf(*series.labels)));
    kept_.push_back({std::move(series.labels), series.name_dropped});
  }
  return Charge(grown);
}

absl::Status TopK::Finish(Emit emit) {
  for (Group& group : groups_) LL_RETURN_IF_ERROR(FinishGroup(group, emit));
  return absl::OkStatus();
}

absl::Status TopK::FinishGroup(Group& group, Emit emit) {
  std::vector<StepSeries> result;
  absl::flat_hash_map<size_t, size_t> index_of;  // from that of kept_ to that of result
  for (size_t step = 0; step < k_.size(); ++step) {
    std::vector<Entry>& heap = group.heaps[step];
    std::sort(heap.begin(), heap.end(),
              [this](const Entry& a, const Entry& b) { return Better(a, b); });
    for (const Entry& entry : heap) {
      const auto [index, is_new] = index_of.try_emplace(entry.series, result.size());
      if (is_new) {
        LL_RETURN_IF_ERROR(held_.Add(k_.size(), sizeof(StepSeries)));
        StepSeries& series = result.emplace_back(k_.size());
        series.labels = kept_[entry.series].labels;
        series.name_dropped = kept_[entry.series].name_dropped;
      }
      result[index->second].values[step] = entry.value;
    }
    held_.GiveBack(heap.size(), heap.size() * sizeof(Entry));
    heap = {};
  }
  group = {};
  held_.GiveBack(0, k_.size() * kStepBytes);
  for (StepSeries& series : result) {
    held_.GiveBack(k_.size(), sizeof(StepSeries));
    LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
