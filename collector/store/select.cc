// Queryable::Select: everything at once.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/store/call_meter.h"
#include "collector/store/store.h"
#include "common/status_macros.h"

namespace leadline::collector::store {

namespace {

// About.
uint64_t BytesOf(const SeriesBlock& block) {
  uint64_t bytes = sizeof(block) + block.ts_ms.capacity() * sizeof(int64_t) +
                   block.values.capacity() * sizeof(double) +
                   block.histogram_ts_ms.capacity() * sizeof(int64_t);
  for (const model::NativeHistogram& histogram : block.histograms) {
    bytes += sizeof(histogram) +
             histogram.positive.capacity() * sizeof(histogram.positive.front()) +
             histogram.negative.capacity() * sizeof(histogram.negative.front());
  }
  return bytes;
}

absl::StatusOr<std::vector<SeriesBlock>> ReadAll(const Queryable& queryable,
                                                 std::string_view tenant,
                                                 absl::Span<const Matcher> matchers,
                                                 const SelectHints& hints) {
  constexpr size_t kAtOnce = 256;
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<Selection> selection,
                      queryable.Find(tenant, matchers, hints));
  CallMeter meter(hints.limits());
  std::vector<SeriesBlock> all;
  uint64_t samples = 0;
  for (size_t first = 0; first < selection->size(); first += kAtOnce) {
    const size_t count = std::min(kAtOnce, selection->size() - first);
    LL_RETURN_IF_ERROR(selection->Read(first, count, [&](SeriesBlock& block) {
      samples += block.sample_count();
      LL_RETURN_IF_ERROR(meter.Step(BytesOf(block)));
      all.push_back(std::move(block));
      return absl::OkStatus();
    }));
    if (samples > hints.max_samples) {
      return absl::ResourceExhaustedError(fmt::format(
          "the query reads more than {} samples, which is its limit", hints.max_samples));
    }
  }
  meter.Keep();
  return all;
}

}  // namespace

absl::StatusOr<std::vector<SeriesBlock>> Queryable::Select(std::string_view tenant,
                                                           absl::Span<const Matcher> matchers,
                                                           const SelectHints& hints) const {
  constexpr int kMaxDamages = 5;
  auto blocks = ReadAll(*this, tenant, matchers, hints);
  for (int i = 0; i < kMaxDamages && absl::IsDataLoss(blocks.status()); ++i) {
    blocks = ReadAll(*this, tenant, matchers, hints);
  }
  return blocks;
}

}  // namespace leadline::collector::store
