#include "collector/store/chunk/sealed_chunk.h"

#include <algorithm>
#include <utility>

#include "absl/types/span.h"

#include "collector/store/chunk/window_time.h"
#include "common/status_macros.h"

namespace leadline::collector::store::chunk {
namespace {

static_assert(2 * kMaxHistogramBuckets <= codec::kMaxChunkCells);
static_assert(kChunkSamples <= codec::kMaxChunkSamples);

size_t BucketsOf(double) { return 0; }
size_t BucketsOf(const model::NativeHistogram& histogram) { return BucketCount(histogram); }

codec::ChunkKind KindOf(const Floats&) { return codec::ChunkKind::kFloat; }
codec::ChunkKind KindOf(const Histograms&) { return codec::ChunkKind::kHistogram; }

template <typename Value>
std::vector<SealedChunkPtr> SealRun(const Samples<Value>& run) {
  std::vector<SealedChunkPtr> chunks;
  size_t begin = 0;
  while (begin < run.size()) {
    size_t buckets = BucketsOf(run.values[begin]);
    size_t end = begin + 1;
    for (; end < run.size() && end - begin < kChunkSamples; ++end) {
      if (WindowStart(run.ts_ms[end]) != WindowStart(run.ts_ms[begin])) break;
      buckets += BucketsOf(run.values[end]);
      if (HistogramRunIsFull(end - begin, buckets)) break;
    }
    SealedChunk chunk;
    chunk.info = {KindOf(run), end - begin, run.ts_ms[begin], run.ts_ms[end - 1]};
    chunk.bytes = codec::EncodeChunk(absl::MakeSpan(run.ts_ms).subspan(begin, end - begin),
                                     absl::MakeSpan(run.values).subspan(begin, end - begin));
    chunks.push_back(std::make_shared<const SealedChunk>(std::move(chunk)));
    begin = end;
  }
  return chunks;
}

}  // namespace

size_t BucketCount(const model::NativeHistogram& histogram) {
  return histogram.positive.size() + histogram.negative.size() + histogram.custom_bounds.size();
}

bool HistogramRunIsFull(size_t count, size_t buckets) {
  return (count + 1) * buckets > codec::kMaxChunkCells;
}

std::vector<SealedChunkPtr> Seal(const Floats& run) { return SealRun(run); }
std::vector<SealedChunkPtr> Seal(const Histograms& run) { return SealRun(run); }

absl::StatusOr<SealedChunkPtr> AsSealedChunk(std::string bytes) {
  LL_ASSIGN_OR_RETURN(const codec::ChunkInfo info, codec::ReadChunkInfo(bytes));
  return std::make_shared<const SealedChunk>(SealedChunk{info, std::move(bytes)});
}

}  // namespace leadline::collector::store::chunk
