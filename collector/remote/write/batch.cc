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
  const uint64_t histograms = SamplesIn(batch.histograms);
  counts.histograms = histograms - std::min(histograms, counts.histogram_zeros);
}

template <typename Frame>
absl::flat_hash_set<int64_t> TimesOf(const std::vector<Frame>& frames) {
  absl::flat_hash_set<int64_t> times;
  for (const Frame& frame : frames) times.insert(frame.ts_ms);
  return times;
}

// A zero without its sample is of no use.
bool IsTaken(const Zero& zero, int64_t sample_ms, const store::TimeRange& times) {
  return times.Contains(zero.ts_ms) && times.Contains(sample_ms);
}

model::NativeHistogram EmptyLike(const model::NativeHistogram& histogram) {
  return {.schema = histogram.schema,
          .float_counts = histogram.float_counts,
          .zero_threshold = histogram.zero_threshold,
          .custom_bounds = histogram.custom_bounds};
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
  if (!request.histograms.empty()) {
    AddHistograms(request, handles, times, batch, counts, rejections);
  }
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
  for (const Zero& zero : request.zeros) {
    // A series without a place in the batch has no sample in it.
    if (batch_index_[zero.series] == kNone || handles[zero.series] == kNoHandle) continue;
    if (!IsTaken(zero, request.samples[zero.sample].ts_ms, times)) continue;
    store::FloatFrame& frame = batch.floats[FrameOf(zero.ts_ms, batch.floats)];
    frame.series.push_back(BatchIndex(zero.series, handles[zero.series], batch));
    frame.values.push_back(0);
    ++counts.zeros;
  }
}

void BatchBuilder::AddHistograms(Request& request, absl::Span<const store::SeriesHandle> handles,
                                 const store::TimeRange& times, store::WriteBatch& batch,
                                 BatchCounts& counts, Rejections& rejections) {
  frame_of_time_.clear();
  const auto add = [&](size_t i, int64_t ts_ms, model::NativeHistogram value) {
    store::HistogramFrame& frame = batch.histograms[FrameOf(ts_ms, batch.histograms)];
    frame.series.push_back(BatchIndex(i, handles[i], batch));
    frame.values.push_back(std::move(value));
  };
  auto zero = request.histogram_zeros.begin();
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
    if (zero != request.histogram_zeros.end() && zero->sample == at) {
      if (IsTaken(*zero, sample.ts_ms, times)) {
        add(i, zero->ts_ms, EmptyLike(sample.value));
        ++counts.histogram_zeros;
      }
      ++zero;
    }
    add(i, sample.ts_ms, std::move(sample.value));
  });
}

}  // namespace leadline::collector::remote::write
