// Blocks: runs of samples of several series, as windows keep them.
//
// Each run is of the series at one of kBlockPlaces places; runs of a place ascend in time. A
// directory in front tells what lies where, so that one run is decoded without the others. Runs
// whose timestamps are the same distances apart share them. A run of whole numbers that goes along
// with the one before (the buckets of a classic histogram do) is told by its differences from that.
// A staleness marker at the end of a run of floats is told by the directory.
// Format: docs/format/block.md.
//
// Errors: DATA_LOSS for what is malformed, UNIMPLEMENTED for a newer version. Every bound is
// checked. Not synchronized; a reader does not own the block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/model/sample.h"
#include "collector/store/codec/chunk.h"
#include "collector/store/codec/histograms.h"

namespace leadline::collector::store::codec {

inline constexpr uint8_t kBlockVersion = 3;
inline constexpr size_t kBlockPlaces = 64;
// Runs in a row that are told by the one before each.
inline constexpr size_t kMaxFollowing = 15;

struct BlockRun {
  uint8_t place = 0;
  ChunkKind kind = ChunkKind::kFloat;
  bool follows = false;  // its payload is of no use without the run before
  bool ends = false;     // with a staleness marker, which is not in the payload
  uint32_t pattern = 0;
  size_t count = 0;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  std::string_view payload;

  size_t payload_count() const { return count - (ends ? 1 : 0); }  // samples
};

class BlockWriter {
 public:
  // REQUIRES: place < kBlockPlaces, not before that of the run before; as for EncodeChunk.
  void Add(size_t place, absl::Span<const int64_t> ts_ms, absl::Span<const double> values);
  void Add(size_t place, absl::Span<const int64_t> ts_ms,
           absl::Span<const model::NativeHistogram> values);

  // A run of another block as it is there, with its timestamps. REQUIRES: it does not follow.
  void AddEncoded(const BlockRun& run, absl::Span<const int64_t> ts_ms);

  bool empty() const { return runs_ == 0; }
  // The block; the writer is empty then. REQUIRES: !empty().
  std::string Finish();

 private:
  // Of the run place, kind, follows, ends and payload are looked at.
  void AddRun(const BlockRun& run, absl::Span<const int64_t> ts_ms);
  bool MayFollow(size_t pattern, absl::Span<const double> values) const;
  size_t PatternOf(absl::Span<const int64_t> ts_ms);

  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  int64_t origin_ms_ = 0;  // the begin of the first run
  int64_t before_ms_ = 0;  // the begin of the run before
  size_t runs_ = 0;
  std::string patterns_;
  absl::flat_hash_map<std::vector<int64_t>, size_t> pattern_numbers_;  // by their offsets
  std::vector<int64_t> offsets_ms_;                                    // of the run before
  size_t pattern_ = 0;                                                 // the same
  // The values of the run before, where they are whole numbers and it is of floats; else none.
  std::vector<int64_t> whole_;
  size_t whole_pattern_ = 0;
  size_t following_ = 0;  // runs in a row up to the one before
  std::string directory_;
  std::string payloads_;
};

// What of a run is wanted: samples in [start, end].
struct Wanted {
  int64_t start_ms = INT64_MIN;
  int64_t end_ms = INT64_MAX;
  // Whether there is a sample, and no staleness marker, is all that is asked; values may be any.
  bool presence = false;
  bool columns = false;  // histograms may come as columns
  // With presence: what is asked is whether there is one in (t - apart, t], for times t from
  // start + apart - 1 to end. So where samples are not further apart than this, fewer may stand for
  // them, at any times between the first and the last of them.
  int64_t apart_ms = 0;
};

class BlockReader {
 public:
  static absl::StatusOr<BlockReader> Open(std::string_view block);

  // Of all runs.
  int64_t first_ms() const { return first_ms_; }
  int64_t last_ms() const { return last_ms_; }
  // By place, then time.
  const std::vector<BlockRun>& runs() const { return runs_; }

  // Append to what is in the vectors what is wanted of the run; nothing after an error.
  // REQUIRES: a run of this reader's, of the kind.
  absl::Status Read(const BlockRun& run, std::vector<int64_t>& ts_ms, std::vector<double>& values,
                    const Wanted& wanted = {});
  absl::Status Read(const BlockRun& run, std::vector<int64_t>& ts_ms,
                    std::vector<model::NativeHistogram>& values, const Wanted& wanted = {});
  // The same as columns, behind what is in them; false, with the columns of no use, where that is
  // not possible.
  bool ReadColumns(const BlockRun& run, const Wanted& wanted, JoinedColumns& joined);
  // Only the timestamps.
  absl::Status ReadTimes(const BlockRun& run, std::vector<int64_t>& ts_ms,
                         const Wanted& wanted = {});

 private:
  struct Pattern {
    size_t count = 0;
    int64_t span_ms = 0;             // from the first to the last
    int64_t longest_ms = INT64_MAX;  // between neighbours; versions before 3 do not tell
    std::string_view bytes;
    size_t runs = 0;                  // that have it
    std::vector<int64_t> offsets_ms;  // from the first, once they are decoded to be kept
    // Numbers of those that are left where the rest may be left out, for `apart_ms`.
    std::vector<uint32_t> left;
    int64_t apart_ms = 0;
  };

  explicit BlockReader(std::string_view block) : block_(block) {}
  absl::Status Malformed(std::string_view what) const;
  absl::Status ReadDirectory();
  // Whether the next run is told by its differences from this one.
  bool IsFollowed(const BlockRun& run) const;
  // What is in the payload.
  bool DecodeRun(const BlockRun& run, absl::Span<double> values);
  // A part of that.
  bool DecodePart(const BlockRun& run, const RunPart& part, absl::Span<double> values);
  absl::Status DecodeOffsets(const Pattern& pattern, absl::Span<int64_t> offsets_ms) const;
  // The pattern with its offsets.
  absl::StatusOr<Pattern*> PatternOf(const BlockRun& run);
  absl::StatusOr<RunPart> PartOf(const BlockRun& run, const Wanted& wanted);
  // Appends the timestamps of the part that is in the range.
  absl::StatusOr<RunPart> ReadTimesOf(const BlockRun& run, const Wanted& wanted,
                                      std::vector<int64_t>& ts_ms);
  // Times at which presence is as at those.
  absl::Status ReadPresence(const BlockRun& run, const Wanted& wanted, std::vector<int64_t>& ts_ms);

  std::string_view block_;
  int64_t first_ms_ = 0;
  int64_t last_ms_ = 0;
  std::vector<Pattern> patterns_;
  std::vector<BlockRun> runs_;
  // The values of the run that was read last, when another follows it.
  std::vector<double> before_;
  size_t before_run_ = SIZE_MAX;
};

}  // namespace leadline::collector::store::codec
