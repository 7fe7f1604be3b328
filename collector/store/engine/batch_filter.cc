#include "collector/store/engine/batch_filter.h"

#include <utility>

namespace leadline::collector::store::engine {

uint64_t KeepSeries(const std::vector<bool>& kept, WriteBatch& batch) {
  std::vector<uint32_t> index_of(kept.size());
  std::vector<SeriesHandle> series;
  for (size_t i = 0; i < kept.size(); ++i) {
    index_of[i] = static_cast<uint32_t>(series.size());
    if (kept[i]) series.push_back(batch.series[i]);
  }
  batch.series = std::move(series);
  uint64_t dropped = 0;
  const auto filter = [&](auto& frames) {
    for (auto& frame : frames) {
      size_t left = 0;
      for (size_t i = 0; i < frame.series.size(); ++i) {
        if (!kept[frame.series[i]]) continue;
        frame.series[left] = index_of[frame.series[i]];
        if (left != i) frame.values[left] = std::move(frame.values[i]);
        ++left;
      }
      dropped += frame.series.size() - left;
      frame.series.resize(left);
      frame.values.resize(left);
    }
  };
  filter(batch.floats);
  filter(batch.histograms);
  return dropped;
}

}  // namespace leadline::collector::store::engine
