// Samples as runs, and sealed chunks: encoded runs with what is needed to choose among them.
//
// Runs are strictly ascending in time. Plain values; sealed chunks are shared and immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collector/model/sample.h"
#include "collector/store/codec/chunk.h"

namespace leadline::collector::store::chunk {

template <typename Value>
struct Samples {
  std::vector<int64_t> ts_ms;
  std::vector<Value> values;

  bool empty() const { return ts_ms.empty(); }
  size_t size() const { return ts_ms.size(); }
  // Keeps the memory.
  void Clear() {
    ts_ms.clear();
    values.clear();
  }
  void Append(int64_t ts, Value value) {
    ts_ms.push_back(ts);
    values.push_back(std::move(value));
  }
};

using Floats = Samples<double>;
using Histograms = Samples<model::NativeHistogram>;

struct SealedChunk {
  codec::ChunkInfo info;
  std::string bytes;
};
using SealedChunkPtr = std::shared_ptr<const SealedChunk>;

// Samples a chunk is sealed at.
inline constexpr size_t kChunkSamples = 256;

// At most this many buckets of one sign in a histogram; more are refused when they are written.
inline constexpr size_t kMaxHistogramBuckets = 16'384;

// The buckets of both signs, and the bounds of custom ones: what a histogram takes.
size_t BucketCount(const model::NativeHistogram& histogram);

// True when a run of `count` histograms with `buckets` buckets in all can take no more.
bool HistogramRunIsFull(size_t count, size_t buckets);

// Encodes a run as chunks of at most kChunkSamples samples, none of which crosses windows.
std::vector<SealedChunkPtr> Seal(const Floats& run);
std::vector<SealedChunkPtr> Seal(const Histograms& run);

// DATA_LOSS as for codec::ReadChunkInfo.
absl::StatusOr<SealedChunkPtr> AsSealedChunk(std::string bytes);

}  // namespace leadline::collector::store::chunk
