#include "collector/store/chunk/pieces.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include <fmt/format.h>

#include "collector/store/codec/histograms.h"
#include "collector/store/codec/integers.h"
#include "common/clock.h"
#include "common/status_macros.h"

namespace leadline::collector::store::chunk {
namespace {

template <typename Value>
void AppendRange(const Samples<Value>& run, int64_t start_ms, int64_t end_ms, Samples<Value>& out) {
  const auto first = std::lower_bound(run.ts_ms.begin(), run.ts_ms.end(), start_ms);
  const auto last = std::upper_bound(first, run.ts_ms.end(), end_ms);
  const auto values = run.values.begin() + (first - run.ts_ms.begin());
  out.ts_ms.insert(out.ts_ms.end(), first, last);
  out.values.insert(out.values.end(), values, values + (last - first));
}

// Leaves of what is behind `begin`, which is ascending, what is in [start, end].
void TrimBehind(size_t begin, int64_t start_ms, int64_t end_ms, Floats& samples) {
  const codec::RunPart part = codec::KeepBetween(start_ms, end_ms, begin, samples.ts_ms);
  const auto run = samples.values.begin() + static_cast<ptrdiff_t>(begin);
  samples.values.resize(begin + part.end);
  samples.values.erase(run, run + static_cast<ptrdiff_t>(part.begin));
}

absl::Status AppendChunk(const SealedChunk& chunk, int64_t start_ms, int64_t end_ms, Floats& out) {
  const size_t before = out.size();
  LL_RETURN_IF_ERROR(codec::DecodeChunk(chunk.bytes, out.ts_ms, out.values));
  if (chunk.info.first_ms < start_ms || chunk.info.last_ms > end_ms) {
    TrimBehind(before, start_ms, end_ms, out);
  }
  return absl::OkStatus();
}

absl::Status AppendChunk(const SealedChunk& chunk, int64_t start_ms, int64_t end_ms,
                         Histograms& out) {
  return codec::DecodeChunk(chunk.bytes, out.ts_ms, out.values, start_ms, end_ms);
}

absl::Status AppendBlock(const Piece& piece, const codec::Wanted& wanted, MergedSamples& out) {
  codec::BlockReader& reader = *piece.block->reader;
  const codec::BlockRun& run = reader.runs()[piece.run];
  if (run.last_ms < wanted.start_ms || run.first_ms > wanted.end_ms) return absl::OkStatus();
  return run.kind == codec::ChunkKind::kFloat
             ? reader.Read(run, out.floats.ts_ms, out.floats.values, wanted)
             : reader.Read(run, out.histograms.ts_ms, out.histograms.values, wanted);
}

template <typename Value>
void SortKeepLastOf(Samples<Value>& samples) {
  const auto& ts_ms = samples.ts_ms;
  if (codec::Ascend(ts_ms)) return;
  std::vector<size_t> order(ts_ms.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return ts_ms[a] < ts_ms[b]; });
  Samples<Value> sorted;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && ts_ms[order[i]] == ts_ms[order[i + 1]]) continue;
    sorted.Append(ts_ms[order[i]], std::move(samples.values[order[i]]));
  }
  samples = std::move(sorted);
}

absl::Status AppendPiece(const Piece& piece, const codec::Wanted& wanted, MergedSamples& out) {
  const int64_t start_ms = wanted.start_ms;
  const int64_t end_ms = wanted.end_ms;
  if (piece.floats) AppendRange(*piece.floats, start_ms, end_ms, out.floats);
  if (piece.histograms) AppendRange(*piece.histograms, start_ms, end_ms, out.histograms);
  if (piece.block) return AppendBlock(piece, wanted, out);
  if (!piece.sealed) return absl::OkStatus();
  const SealedChunk& chunk = *piece.sealed;
  if (chunk.info.last_ms < start_ms || chunk.info.first_ms > end_ms) return absl::OkStatus();
  return chunk.info.kind == codec::ChunkKind::kFloat
             ? AppendChunk(chunk, start_ms, end_ms, out.floats)
             : AppendChunk(chunk, start_ms, end_ms, out.histograms);
}

// Whether each piece begins after the one before has ended.
bool FollowEachOther(absl::Span<const Piece> pieces) {
  for (size_t i = 1; i < pieces.size(); ++i) {
    if (SpanOf(pieces[i]).first <= SpanOf(pieces[i - 1]).second) return false;
  }
  return true;
}

// All pieces as columns, where each is a run of a block and they follow each other in time.
std::optional<model::HistogramColumns> ReadColumns(absl::Span<const Piece> pieces,
                                                   const codec::Wanted& wanted,
                                                   std::vector<int64_t>& ts_ms) {
  if (!FollowEachOther(pieces)) return std::nullopt;
  for (const Piece& piece : pieces) {
    if (piece.block == nullptr) return std::nullopt;
    codec::BlockReader& reader = *piece.block->reader;
    const codec::BlockRun& run = reader.runs()[piece.run];
    if (run.kind != codec::ChunkKind::kHistogram || !reader.ReadTimes(run, ts_ms, wanted).ok()) {
      return std::nullopt;
    }
  }
  codec::JoinedColumns joined{.size = ts_ms.size()};
  for (const Piece& piece : pieces) {
    codec::BlockReader& reader = *piece.block->reader;
    if (!reader.ReadColumns(reader.runs()[piece.run], wanted, joined)) return std::nullopt;
  }
  return std::move(joined.columns);
}

}  // namespace

absl::Status Block::Open() {
  auto opened = codec::BlockReader::Open(bytes);
  LL_RETURN_IF_ERROR(opened.status());
  reader = *std::move(opened);
  return absl::OkStatus();
}

std::pair<int64_t, int64_t> SpanOf(const Piece& piece) {
  if (piece.block) {
    const codec::BlockRun& run = piece.block->reader->runs()[piece.run];
    return {run.first_ms, run.last_ms};
  }
  if (piece.sealed) return {piece.sealed->info.first_ms, piece.sealed->info.last_ms};
  const std::vector<int64_t>& ts_ms = piece.floats ? piece.floats->ts_ms : piece.histograms->ts_ms;
  return {ts_ms.front(), ts_ms.back()};
}

size_t CountOf(const Piece& piece) {
  if (piece.block) return piece.block->reader->runs()[piece.run].count;
  if (piece.sealed) return piece.sealed->info.count;
  return piece.floats ? piece.floats->size() : piece.histograms->size();
}

size_t EncodedBytes(const Piece& piece) {
  if (piece.block) return piece.block->reader->runs()[piece.run].payload.size();
  return piece.sealed ? piece.sealed->bytes.size() : 0;
}

uint64_t CopiedBytes(const Piece& piece) {
  constexpr uint64_t kSampleBytes = 16;
  uint64_t bytes = 0;
  if (piece.floats) bytes += piece.floats->size() * kSampleBytes;
  if (!piece.histograms) return bytes;
  for (const model::NativeHistogram& histogram : piece.histograms->values) {
    bytes += sizeof(histogram) + BucketCount(histogram) * kSampleBytes;
  }
  return bytes;
}

bool Overlaps(const Piece& piece, int64_t start_ms, int64_t end_ms) {
  const auto [first_ms, last_ms] = SpanOf(piece);
  return last_ms >= start_ms && first_ms <= end_ms;
}

absl::Status ReadBudget::Spend(size_t samples) {
  spent_ += samples;
  if (spent_ > max_samples_) {
    return absl::ResourceExhaustedError(
        fmt::format("the query reads more than {} samples, which is its limit", max_samples_));
  }
  if (deadline_ != absl::InfiniteFuture() && SteadyNow() > deadline_) {
    return absl::DeadlineExceededError("the query ran out of time while reading samples");
  }
  return absl::OkStatus();
}

absl::StatusOr<MergedSamples> MergePieces(absl::Span<const Piece> pieces,
                                          const codec::Wanted& wanted, ReadBudget& budget) {
  MergedSamples merged;
  LL_RETURN_IF_ERROR(MergePieces(pieces, wanted, budget, merged));
  return merged;
}

absl::Status MergePieces(absl::Span<const Piece> pieces, const codec::Wanted& wanted,
                         ReadBudget& budget, MergedSamples& merged) {
  merged.floats.Clear();
  merged.histograms.Clear();
  merged.columns.reset();
  if (wanted.columns) {
    merged.columns = ReadColumns(pieces, wanted, merged.histograms.ts_ms);
    if (merged.columns.has_value()) return budget.Spend(merged.histograms.ts_ms.size());
    merged.histograms.ts_ms.clear();
  }
  codec::Wanted of_each = wanted;
  if (!FollowEachOther(pieces)) of_each.apart_ms = 0;
  for (const Piece& piece : pieces) {
    const size_t before = merged.floats.size() + merged.histograms.size();
    LL_RETURN_IF_ERROR(AppendPiece(piece, of_each, merged));
    LL_RETURN_IF_ERROR(budget.Spend(merged.floats.size() + merged.histograms.size() - before));
  }
  SortKeepLast(merged.floats);
  SortKeepLast(merged.histograms);
  return absl::OkStatus();
}

void SortKeepLast(Floats& samples) { SortKeepLastOf(samples); }
void SortKeepLast(Histograms& samples) { SortKeepLastOf(samples); }

}  // namespace leadline::collector::store::chunk
