// One series' samples from several places, merged: of equal timestamps the last piece's wins.
//
// Errors: RESOURCE_EXHAUSTED and DEADLINE_EXCEEDED when a limit is met, DATA_LOSS for a malformed
// chunk. Not synchronized; a piece shares what it points to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "collector/store/chunk/sealed_chunk.h"
#include "collector/store/codec/block.h"

namespace leadline::collector::store::chunk {

// A block of a window, and what reads it; used by one thread.
struct Block {
  // `keeper` has the bytes.
  Block(std::string_view block_bytes, std::shared_ptr<const void> keeper)
      : bytes(block_bytes), kept_by(std::move(keeper)) {}
  explicit Block(std::string own) : Block(std::make_shared<const std::string>(std::move(own))) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  absl::Status Open();

  const std::string_view bytes;
  const std::shared_ptr<const void> kept_by;
  std::optional<codec::BlockReader> reader;  // once it is open

 private:
  explicit Block(const std::shared_ptr<const std::string>& own) : Block(*own, own) {}
};

// Exactly one of the pointers is set.
struct Piece {
  SealedChunkPtr sealed;
  std::shared_ptr<const Floats> floats;
  std::shared_ptr<const Histograms> histograms;
  std::shared_ptr<Block> block;
  uint32_t run = 0;  // of the block
};

// Whether the piece's span and the range have a time in common.
bool Overlaps(const Piece& piece, int64_t start_ms, int64_t end_ms);

// The times of the piece's first and last sample.
std::pair<int64_t, int64_t> SpanOf(const Piece& piece);

// Samples of the piece.
size_t CountOf(const Piece& piece);
// What it takes encoded; 0 for a run.
size_t EncodedBytes(const Piece& piece);
// Memory of samples that were copied for the piece, about; 0 for what others have too.
uint64_t CopiedBytes(const Piece& piece);

// What one read may cost. Counts what it is told, over all its series. The deadline is by
// SteadyNow().
class ReadBudget {
 public:
  ReadBudget(uint64_t max_samples, absl::Time deadline)
      : max_samples_(max_samples), deadline_(deadline) {}
  static ReadBudget Unlimited() { return ReadBudget(UINT64_MAX, absl::InfiniteFuture()); }

  // To be called for every chunk or run decoded.
  absl::Status Spend(size_t samples);

 private:
  const uint64_t max_samples_;
  const absl::Time deadline_;
  uint64_t spent_ = 0;
};

struct MergedSamples {
  Floats floats;
  Histograms histograms;
  std::optional<model::HistogramColumns> columns;  // instead of the histograms' values
};

// Samples that are wanted; only those count against the budget's samples.
absl::StatusOr<MergedSamples> MergePieces(absl::Span<const Piece> pieces,
                                          const codec::Wanted& wanted, ReadBudget& budget);
// Into `merged`, in place of what it has, in the memory that it has.
absl::Status MergePieces(absl::Span<const Piece> pieces, const codec::Wanted& wanted,
                         ReadBudget& budget, MergedSamples& merged);

// Makes a concatenation of ascending runs ascending: of equal timestamps the last one stays.
void SortKeepLast(Floats& samples);
void SortKeepLast(Histograms& samples);

}  // namespace leadline::collector::store::chunk
