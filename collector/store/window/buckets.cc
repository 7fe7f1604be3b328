// Buckets in a window of rollups: each column is kept as the samples of a series would be, whose
// rank is kColumns times that of the series and the column's number. So four series share a block.
//
// Times are told a millisecond early: so a bucket that ends where the window does is in it.
#include <algorithm>
#include <memory>
#include <utility>

#include "collector/store/window/window.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

constexpr int64_t kEarlyMs = 1;

SeriesRef ColumnOf(const SeriesRef& series, size_t column) {
  SeriesRef ref = series;
  ref.rank = series.rank * static_cast<uint32_t>(rollup::kColumns) + static_cast<uint32_t>(column);
  return ref;
}

void Shift(int64_t by_ms, std::vector<int64_t>& ts_ms) {
  for (int64_t& ts : ts_ms) ts += by_ms;
}

chunk::Piece PieceOf(chunk::Floats& column) {
  return {.floats = std::make_shared<chunk::Floats>(std::move(column))};
}
chunk::Piece PieceOf(chunk::Histograms& column) {
  return {.histograms = std::make_shared<chunk::Histograms>(std::move(column))};
}

}  // namespace

absl::Status Window::WriteBuckets(std::string_view tenant, TenantBuckets buckets) {
  std::vector<SeriesRef> series;
  LL_RETURN_IF_ERROR(Written(dictionary_->Write(tenant, buckets.entities, buckets.series, series)));
  std::vector<SeriesRef> refs;
  std::vector<SeriesChunks> chunks;
  for (size_t i = 0; i < series.size(); ++i) {
    size_t number = 0;
    const auto add = [&](auto& columns) {
      for (auto& column : columns) {
        const size_t column_number = number++;
        if (column.empty()) continue;
        Shift(-kEarlyMs, column.ts_ms);
        refs.push_back(ColumnOf(series[i], column_number));
        chunks.push_back({buckets.series[i], {PieceOf(column)}});
      }
    };
    add(buckets.buckets[i].floats);
    add(buckets.buckets[i].histograms);
  }
  return Written(blocks_->Write(tenant, chunks, refs, *rolled_up_));
}

absl::Status Window::ReadBuckets(std::string_view tenant, absl::Span<const SeriesRef> series,
                                 absl::Span<const rollup::Column> columns, int64_t start_ms,
                                 int64_t end_ms, chunk::ReadBudget& budget, UseBuckets use) const {
  start_ms -= kEarlyMs;
  end_ms -= kEarlyMs;
  std::vector<SeriesRef> first_columns;
  first_columns.reserve(series.size());
  for (const SeriesRef& ref : series) first_columns.push_back(ColumnOf(ref, 0));
  // All of these are used again for each series.
  rollup::Buckets buckets;
  chunk::MergedSamples merged;
  std::vector<chunk::Piece> pieces;
  const auto use_series = [&](size_t number, const GroupRuns& runs) {
    buckets.Clear();
    for (const rollup::Column column : columns) {
      const auto column_number = static_cast<uint32_t>(column);
      runs.Find(GroupRuns::PlaceOf(first_columns[number].rank + column_number), pieces);
      if (pieces.empty()) continue;
      LL_RETURN_IF_ERROR(chunk::MergePieces(pieces, {start_ms, end_ms}, budget, merged));
      if (column_number < rollup::kFloatColumns) {
        Shift(kEarlyMs, merged.floats.ts_ms);
        std::swap(buckets.Floats(column), merged.floats);
      } else {
        Shift(kEarlyMs, merged.histograms.ts_ms);
        std::swap(buckets.Histograms(column), merged.histograms);
      }
    }
    return use(number, buckets);
  };
  const auto use_group = [&](absl::Span<const size_t> numbers, const GroupRuns& runs) {
    for (const size_t number : numbers) LL_RETURN_IF_ERROR(use_series(number, runs));
    return absl::OkStatus();
  };
  return blocks_->ReadGroups(tenant, first_columns, start_ms, end_ms, use_group);
}

}  // namespace leadline::collector::store::window
