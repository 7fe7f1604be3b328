#include "collector/remote/write/batch.h"

#include <string>
#include <utility>

#include <fmt/format.h>

namespace leadline::collector::remote::write {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

void RejectTime(int64_t ts_ms, const Bounds& bounds, Rejections& rejections) {
  const bool is_old = ts_ms < bounds.oldest_ms;
  std::string text;
  if (rejections.WantsText()) {
    text = is_old ? fmt::format(
                        "out of bounds: timestamp {} ms is before {} ms, what is older is "
                        "not kept",
                        ts_ms, bounds.oldest_ms)
                  : fmt::format(
                        "out of bounds: timestamp {} ms is after {} ms, too far ahead of "
                        "the clock",
                        ts_ms, bounds.newest_ms);
  }
  rejections.Add(is_old ? Reason::kTooOld : Reason::kTooNew, 1, text);
}

}  // namespace

store::WriteBatch BatchBuilder::Build(Request& request,
                                      absl::Span<const store::SeriesHandle> handles,
                                      const Bounds& bounds, BatchCounts& counts,
                                      Rejections& rejections) {
  store::WriteBatch batch;
  batch.series.reserve(request.series.size());
  batch_index_.assign(request.series.size(), kNone);
  AddSamples(request, handles, bounds, batch, counts, rejections);
  AddZeros(request, handles, bounds, batch, counts);
  if (!request.histograms.empty()) {
    AddHistograms(request, handles, bounds, batch, counts, rejections);
  }
  for (size_t i = 0; i < handles.size(); ++i) {
    if (handles[i] != kNoHandle) counts.exemplars += request.series[i].exemplars;
  }
  return batch;
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
                              const Bounds& bounds, store::WriteBatch& batch, BatchCounts& counts,
                              Rejections& rejections) {
  frame_of_sample_.assign(request.samples.size(), kNone);
  frame_sizes_.clear();
  frame_of_time_.clear();
  uint32_t last = kNone;
  size_t at = 0;
  for (size_t i = 0; i < request.series.size(); ++i) {
    const size_t end = request.series[i].samples_end;
    for (; at < end; ++at) {
      const int64_t ts_ms = request.samples[at].ts_ms;
      const bool is_within = ts_ms >= bounds.oldest_ms && ts_ms <= bounds.newest_ms;
      if (handles[i] == kNoHandle || !is_within) {
        request.series[i].rejected = true;
        if (handles[i] != kNoHandle && !request.series[i].derived) {
          RejectTime(ts_ms, bounds, rejections);
        }
        continue;
      }
      if (last == kNone || batch.floats[last].ts_ms != ts_ms) {
        last = FrameOf(ts_ms, batch.floats);
        frame_sizes_.resize(batch.floats.size());
      }
      frame_of_sample_[at] = last;
      ++frame_sizes_[last];
    }
  }
  for (size_t i = 0; i < batch.floats.size(); ++i) {
    batch.floats[i].series.reserve(frame_sizes_[i]);
    batch.floats[i].values.reserve(frame_sizes_[i]);
  }
  at = 0;
  for (size_t i = 0; i < request.series.size(); ++i) {
    for (; at < request.series[i].samples_end; ++at) {
      if (frame_of_sample_[at] == kNone) continue;
      store::FloatFrame& frame = batch.floats[frame_of_sample_[at]];
      frame.series.push_back(BatchIndex(i, handles[i], batch));
      frame.values.push_back(request.samples[at].value);
      ++counts.samples;
    }
  }
}

void BatchBuilder::AddZeros(const Request& request, absl::Span<const store::SeriesHandle> handles,
                            const Bounds& bounds, store::WriteBatch& batch, BatchCounts& counts) {
  for (size_t i = 0; i < request.series.size(); ++i) {
    const int64_t zero_ms = request.series[i].zero_ms;
    // A series without a place in the batch has no sample in it.
    if (zero_ms == 0 || batch_index_[i] == kNone) continue;
    if (zero_ms < bounds.oldest_ms || zero_ms > bounds.newest_ms) continue;
    store::FloatFrame& frame = batch.floats[FrameOf(zero_ms, batch.floats)];
    frame.series.push_back(BatchIndex(i, handles[i], batch));
    frame.values.push_back(0);
    ++counts.zeros;
  }
}

void BatchBuilder::AddHistograms(Request& request, absl::Span<const store::SeriesHandle> handles,
                                 const Bounds& bounds, store::WriteBatch& batch,
                                 BatchCounts& counts, Rejections& rejections) {
  frame_of_time_.clear();
  size_t at = 0;
  for (size_t i = 0; i < request.series.size(); ++i) {
    for (; at < request.series[i].histograms_end; ++at) {
      HistogramSample& sample = request.histograms[at];
      const bool is_within = sample.ts_ms >= bounds.oldest_ms && sample.ts_ms <= bounds.newest_ms;
      if (handles[i] == kNoHandle || !is_within) {
        request.series[i].rejected = true;
        if (!is_within && handles[i] != kNoHandle) RejectTime(sample.ts_ms, bounds, rejections);
        continue;
      }
      if (!sample.error.empty()) {
        rejections.Add(Reason::kHistogram, 1, sample.error);
        request.series[i].rejected = true;
        continue;
      }
      store::HistogramFrame& frame = batch.histograms[FrameOf(sample.ts_ms, batch.histograms)];
      frame.series.push_back(BatchIndex(i, handles[i], batch));
      frame.values.push_back(std::move(sample.value));
      ++counts.histograms;
    }
  }
}

}  // namespace leadline::collector::remote::write
