#include "collector/remote/write/batch.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>

#include "collector/remote/write/read_labels.h"

namespace leadline::collector::remote::write {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

template <typename Frame>
uint64_t SamplesIn(const std::vector<Frame>& frames) {
  uint64_t count = 0;
  for (const Frame& frame : frames) count += frame.series.size();
  return count;
}

void CountTaken(const store::WriteBatch& batch, BatchCounts& counts) {
  const uint64_t floats = SamplesIn(batch.floats);
  // A zero is left out only where it grew too old on the way here.
  counts.samples = floats - std::min(floats, counts.zeros);
  counts.histograms = SamplesIn(batch.histograms);
}

template <typename Frame>
absl::flat_hash_set<int64_t> TimesOf(const std::vector<Frame>& frames) {
  absl::flat_hash_set<int64_t> times;
  for (const Frame& frame : frames) times.insert(frame.ts_ms);
  return times;
}

// Calls fn(number of a series, number of a sample) for all of them; `end` is Series::…_end.
template <typename Fn>
void ForEachSample(const Request& request, uint32_t Series::*end, Fn fn) {
  size_t at = 0;
  for (size_t i = 0; i < request.series.size(); ++i) {
    for (; at < request.series[i].*end; ++at) fn(i, at);
  }
}

}  // namespace

store::WriteBatch BatchBuilder::Build(Request& request,
                                      absl::Span<const store::SeriesHandle> handles,
                                      const store::TimeRange& times, BatchCounts& counts,
                                      Rejections& rejections) {
  store::WriteBatch batch;
  batch.series.reserve(request.series.size());
  batch_index_.assign(request.series.size(), kNone);
  AddSamples(request, handles, times, batch);
  AddZeros(request, handles, times, batch, counts);
  if (!request.histograms.empty()) AddHistograms(request, handles, batch, rejections);
  CountTaken(batch, counts);
  if (!request.exemplars.empty()) {
    AddExemplars(request, handles, times, batch, counts.exemplars);
  }
  return batch;
}

void BatchBuilder::LookAgain(const store::WriteBatch& batch, Request& request,
                             BatchCounts& counts) {
  const auto look = [&](const auto& frames, const auto& samples, uint32_t Series::*end) {
    const absl::flat_hash_set<int64_t> left = TimesOf(frames);
    ForEachSample(request, end, [&](size_t series, size_t at) {
      if (!left.contains(samples[at].ts_ms)) request.series[series].rejected = true;
    });
  };
  look(batch.floats, request.samples, &Series::samples_end);
  look(batch.histograms, request.histograms, &Series::histograms_end);
  CountTaken(batch, counts);
}

template <typename Frame>
uint32_t BatchBuilder::FrameOf(int64_t ts_ms, std::vector<Frame>& frames) {
  const auto [at, is_new] = frame_of_time_.try_emplace(ts_ms, static_cast<uint32_t>(frames.size()));
  if (is_new) frames.emplace_back().ts_ms = ts_ms;
  return at->second;
}

uint32_t BatchBuilder::BatchIndex(size_t series, store::SeriesHandle handle,
                                  store::WriteBatch& batch) {
  uint32_t& index = batch_index_[series];
  if (index == kNone) {
    index = static_cast<uint32_t>(batch.series.size());
    batch.series.push_back(handle);
  }
  return index;
}

void BatchBuilder::AddSamples(Request& request, absl::Span<const store::SeriesHandle> handles,
                              const store::TimeRange& times, store::WriteBatch& batch) {
  frame_of_sample_.assign(request.samples.size(), kNone);
  frame_sizes_.clear();
  frame_of_time_.clear();
  uint32_t last = kNone;
  ForEachSample(request, &Series::samples_end, [&](size_t i, size_t at) {
    const Series& series = request.series[i];
    const int64_t ts_ms = request.samples[at].ts_ms;
    if (series.no_series || (series.derived && !times.Contains(ts_ms))) return;
    if (last == kNone || batch.floats[last].ts_ms != ts_ms) {
      last = FrameOf(ts_ms, batch.floats);
      frame_sizes_.resize(batch.floats.size());
    }
    frame_of_sample_[at] = last;
    ++frame_sizes_[last];
  });
  for (size_t i = 0; i < batch.floats.size(); ++i) {
    batch.floats[i].series.reserve(frame_sizes_[i]);
    batch.floats[i].values.reserve(frame_sizes_[i]);
  }
  ForEachSample(request, &Series::samples_end, [&](size_t i, size_t at) {
    if (frame_of_sample_[at] == kNone) return;
    store::FloatFrame& frame = batch.floats[frame_of_sample_[at]];
    frame.series.push_back(BatchIndex(i, handles[i], batch));
    frame.values.push_back(request.samples[at].value);
  });
}

void BatchBuilder::AddZeros(const Request& request, absl::Span<const store::SeriesHandle> handles,
                            const store::TimeRange& times, store::WriteBatch& batch,
                            BatchCounts& counts) {
  for (size_t i = 0; i < request.series.size(); ++i) {
    const int64_t zero_ms = request.series[i].zero_ms;
    // A series without a place in the batch has no sample in it.
    if (zero_ms == 0 || batch_index_[i] == kNone || handles[i] == kNoHandle) continue;
    const size_t first = i == 0 ? 0 : request.series[i - 1].samples_end;
    if (!times.Contains(zero_ms) || !times.Contains(request.samples[first].ts_ms)) continue;
    store::FloatFrame& frame = batch.floats[FrameOf(zero_ms, batch.floats)];
    frame.series.push_back(BatchIndex(i, handles[i], batch));
    frame.values.push_back(0);
    ++counts.zeros;
  }
}

void BatchBuilder::AddHistograms(Request& request, absl::Span<const store::SeriesHandle> handles,
                                 store::WriteBatch& batch, Rejections& rejections) {
  frame_of_time_.clear();
  ForEachSample(request, &Series::histograms_end, [&](size_t i, size_t at) {
    Series& series = request.series[i];
    HistogramSample& sample = request.histograms[at];
    if (series.no_series) return;
    if (!sample.error.empty()) {
      // Of a series that is refused it counts with that.
      if (handles[i] != kNoHandle) {
        rejections.Add(
            Reason::kHistogram, 1,
            rejections.WantsText(Reason::kHistogram)
                ? fmt::format("{} for series {}", sample.error, DescribeSeries(request, i))
                : "");
      }
      series.rejected = true;
      return;
    }
    store::HistogramFrame& frame = batch.histograms[FrameOf(sample.ts_ms, batch.histograms)];
    frame.series.push_back(BatchIndex(i, handles[i], batch));
    frame.values.push_back(std::move(sample.value));
  });
}

}  // namespace leadline::collector::remote::write
