// A parsed request with the handles of its series -> a batch for the store.
//
// Samples of equal times share a frame. Left out are samples of series that are none, histograms
// that are none, samples of ours (zeros, derived ones) and exemplars at times that are not taken;
// for the rest the store says what it takes. Not synchronized.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "collector/remote/write/exemplars.h"
#include "collector/remote/write/rejections.h"
#include "collector/remote/write/request.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::write {

struct BatchCounts {
  uint64_t samples = 0;
  uint64_t histograms = 0;
  ExemplarCounts exemplars;
  uint64_t zeros = 0;  // samples of ours, where counters began or were reset
  uint64_t histogram_zeros = 0;
};

// Is used again, for its memory.
class BatchBuilder {
 public:
  // Moves histograms out of the request, and says in it of which series something was rejected.
  // Samples of series without a handle are in the batch, for the store to count and leave out.
  store::WriteBatch Build(Request& request, absl::Span<const store::SeriesHandle> handles,
                          const store::TimeRange& times, BatchCounts& counts,
                          Rejections& rejections);

  // After the store has left some out of the batch: says in the request of which series, and what
  // is left. REQUIRES: the batch is the one that was built last, from that request.
  static void LookAgain(const store::WriteBatch& batch, Request& request, BatchCounts& counts);

 private:
  // The number of the frame of a time, a new one where there is none.
  template <typename Frame>
  uint32_t FrameOf(int64_t ts_ms, std::vector<Frame>& frames);
  void AddSamples(Request& request, absl::Span<const store::SeriesHandle> handles,
                  const store::TimeRange& times, store::WriteBatch& batch);
  void AddHistograms(Request& request, absl::Span<const store::SeriesHandle> handles,
                     const store::TimeRange& times, store::WriteBatch& batch, BatchCounts& counts,
                     Rejections& rejections);
  void AddZeros(const Request& request, absl::Span<const store::SeriesHandle> handles,
                const store::TimeRange& times, store::WriteBatch& batch, BatchCounts& counts);
  uint32_t BatchIndex(size_t series, store::SeriesHandle handle, store::WriteBatch& batch);

  std::vector<uint32_t> frame_of_sample_;
  std::vector<uint32_t> frame_sizes_;
  std::vector<uint32_t> batch_index_;  // by series
  absl::flat_hash_map<int64_t, uint32_t> frame_of_time_;
};

}  // namespace leadline::collector::remote::write
