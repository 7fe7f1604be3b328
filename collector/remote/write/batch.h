// A parsed request with the handles of its series -> a batch for the store.
//
// Samples of equal times share a frame. What is out of bounds, or whose series has no handle, is
// left out; the latter was rejected when its handle was looked for. Not synchronized.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "collector/remote/write/rejections.h"
#include "collector/remote/write/request.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::write {

// Times of samples that are taken, both included.
struct Bounds {
  int64_t oldest_ms = 0;
  int64_t newest_ms = 0;
};

struct BatchCounts {
  uint64_t samples = 0;
  uint64_t histograms = 0;
  uint64_t exemplars = 0;  // of series that have handles
  uint64_t zeros = 0;      // samples of ours, where counters began
};

// Is used again, for its memory.
class BatchBuilder {
 public:
  // Moves histograms out of the request, and says in it of which series something was rejected.
  store::WriteBatch Build(Request& request, absl::Span<const store::SeriesHandle> handles,
                          const Bounds& bounds, BatchCounts& counts, Rejections& rejections);

 private:
  // The number of the frame of a time, a new one where there is none.
  template <typename Frame>
  uint32_t FrameOf(int64_t ts_ms, std::vector<Frame>& frames);
  void AddSamples(Request& request, absl::Span<const store::SeriesHandle> handles,
                  const Bounds& bounds, store::WriteBatch& batch, BatchCounts& counts,
                  Rejections& rejections);
  void AddHistograms(Request& request, absl::Span<const store::SeriesHandle> handles,
                     const Bounds& bounds, store::WriteBatch& batch, BatchCounts& counts,
                     Rejections& rejections);
  // A zero where a counter began, for those that ZeroMs has one for.
  void AddZeros(const Request& request, absl::Span<const store::SeriesHandle> handles,
                const Bounds& bounds, store::WriteBatch& batch, BatchCounts& counts);
  uint32_t BatchIndex(size_t series, store::SeriesHandle handle, store::WriteBatch& batch);

  std::vector<uint32_t> frame_of_sample_;
  std::vector<uint32_t> frame_sizes_;
  std::vector<uint32_t> batch_index_;  // by series
  absl::flat_hash_map<int64_t, uint32_t> frame_of_time_;
};

}  // namespace leadline::collector::remote::write
