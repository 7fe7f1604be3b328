// The samples that a shard gathered between two flushes.
//
// Series that are sampled together share a column of timestamps; of its own a series has what it
// was last, and a chain of tokens (tokens.h) in an arena that goes as a whole when the generation
// has been written to windows. A sample that is not after its series' last one goes to a run of the
// series' own, `late`, whose samples win over those of equal times in the chain, which they follow.
//
// A chain has checkpoints, from which it is read on by whoever needs nothing of before.
//
// A series that misses a timestamp of its column skips it when others have been written to the
// column in the same frame, and moves to another column when not; so series that are sampled apart
// do not stay together.
//
// Series are named by the shard's slots. Not synchronized: const methods may run together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "collector/model/sample.h"
#include "collector/store/chunk/pieces.h"
#include "collector/store/head/arena.h"
#include "collector/store/head/chain.h"
#include "collector/store/head/stream.h"
#include "collector/store/head/time_column.h"

namespace leadline::collector::store::head {

class Generation {
 public:
  static constexpr uint32_t kNoColumn = UINT32_MAX;

  // Samples of one timestamp that come together. REQUIRES: ts_ms >= 0.
  struct Frame {
    int64_t ts_ms = 0;
    uint32_t column = kNoColumn;  // one that has the timestamp as its last
  };

  Appended Append(Frame& frame, uint32_t slot, double value);
  Appended Append(Frame& frame, uint32_t slot, const model::NativeHistogram& value);

  // Ask for what Append of a float to this series will look at: first for the series, then, when
  // that is there, for where its token goes.
  void PrefetchSeries(uint32_t slot) const {
    if (floats_.Has(slot)) __builtin_prefetch(arena_.At(floats_.series[slot]));
  }
  void PrefetchTail(uint32_t slot) const {
    if (!floats_.Has(slot)) return;
    __builtin_prefetch(arena_.At(At(floats_.series[slot]).chain.position().at));
  }

  // Pieces of the series with samples in the range, by what wins last.
  void Collect(uint32_t slot, int64_t start_ms, int64_t end_ms,
               std::vector<chunk::Piece>& out) const;
  // False when there are none for certain.
  bool HasSamplesIn(uint32_t slot, int64_t start_ms, int64_t end_ms) const;
  // Of any series.
  bool HasSamplesIn(int64_t start_ms, int64_t end_ms) const {
    return first_ms_ <= end_ms && last_ms_ >= start_ms;
  }

  bool Has(uint32_t slot) const {
    return floats_.Has(slot) || histograms_.Has(slot) || late_.contains(slot);
  }
  // Above every slot that it has.
  uint32_t end_slot() const { return end_slot_; }

  bool empty() const { return end_slot_ == 0; }

  // Memory taken, without that of late samples.
  size_t bytes() const;
  // What of it its series took with their first samples.
  size_t first_bytes() const { return first_bytes_; }

 private:
  // In the arena, with the first block of its chain behind it.
  struct Series {
    Chain chain;
    uint64_t last = 0;            // bits of the last value, or the number of the last histogram
    uint32_t column = kNoColumn;  // of the last sample
    uint32_t next : 27 = 0;       // index in the column behind the last sample
    uint32_t repeating : 1 = 0;   // the last token is a repeat
    uint32_t decimals : 4 = 0;    // of floats; see tokens.h
  };
  static constexpr size_t kSeriesBytes = sizeof(Series) + Chain::kFirstBlockBytes;
  // Where the series of one kind of value are, by slot; 0: not here.
  struct Lane {
    std::vector<Arena::Ref> series;
    std::vector<Arena::Ref> checkpoints;  // the last one of each; shorter where there is none yet
    bool Has(uint32_t slot) const { return slot < series.size() && series[slot] != 0; }
  };
  // In the arena: what has to be known to read a chain on from there; of histograms the last one
  // is behind it.
  struct Checkpoint {
    Chain::Position position;
    uint64_t last = 0;  // of floats, as in Series
    uint32_t column = 0;
    uint32_t next = 0;      // as in Series
    Arena::Ref before = 0;  // the checkpoint before; 0: none
    uint32_t size = 0;      // of the histogram
  };
  struct Late {
    Stream<double> floats;
    Stream<model::NativeHistogram> histograms;
  };
  enum class Place : uint8_t { kNext, kSameTime, kLate };
  // Where a sample goes, and the token that says so, if one is needed.
  struct Step {
    uint32_t column = 0;
    uint32_t index = 0;
    size_t size = 0;  // of the token
    Chain::Short bytes{};
  };

  Series& At(Arena::Ref ref) { return *reinterpret_cast<Series*>(arena_.At(ref)); }
  const Series& At(Arena::Ref ref) const {
    return *reinterpret_cast<const Series*>(arena_.At(ref));
  }
  const Checkpoint& CheckpointAt(Arena::Ref ref) const {
    return *reinterpret_cast<const Checkpoint*>(arena_.At(ref));
  }
  // Of the first sample, as the first token says. REQUIRES: there is one.
  int64_t FirstMs(Arena::Ref ref) const;
  int64_t LastMs(const Series& series) const { return columns_[series.column].At(series.next - 1); }

  template <typename Value>
  Appended AppendTo(Lane& lane, Frame& frame, uint32_t slot, const Value& value);
  template <typename Value>
  Appended AppendLate(uint32_t slot, int64_t ts_ms, const Value& value);
  // The series' place in the arena, made when it has none; 0 when there is no room.
  Arena::Ref FindOrAdd(Lane& lane, uint32_t slot);
  uint64_t NewLast(double) { return 0; }
  uint64_t NewLast(const model::NativeHistogram& value);
  Place FindPlace(const Series& series, Frame& frame, Step& step);
  // Makes a checkpoint, where one is due, in front of the sample that the step is of.
  void Mark(Lane& lane, uint32_t slot, Series& series, const Step& step);
  // What is known at the last checkpoint before which there are only samples before `start_ms`;
  // nullptr: none.
  const Checkpoint* FindCheckpoint(const Lane& lane, uint32_t slot, int64_t start_ms) const;
  // False when there is no room.
  bool Put(Series& series, Step& step, double value);
  bool Put(Series& series, Step& step, const model::NativeHistogram& value);
  bool PutRepeat(Series& series, Step& step);
  bool IsLast(const Series& series, double value) const;
  bool IsLast(const Series& series, const model::NativeHistogram& value) const;
  template <typename Value>
  void CollectFrom(const Lane& lane, uint32_t slot, int64_t start_ms, int64_t end_ms,
                   std::vector<chunk::Piece>& out) const;
  bool HasSamplesIn(const Lane& lane, uint32_t slot, int64_t start_ms, int64_t end_ms) const;

  Arena arena_;
  std::vector<TimeColumn> columns_;
  size_t column_bytes_ = 0;  // of those
  Lane floats_;
  Lane histograms_;
  std::vector<std::unique_ptr<model::NativeHistogram>> last_histograms_;
  size_t last_histogram_bytes_ = 0;  // of those, as they were first
  size_t first_bytes_ = 0;
  absl::flat_hash_map<uint32_t, std::unique_ptr<Late>> late_;
  uint32_t end_slot_ = 0;
  int64_t first_ms_ = std::numeric_limits<int64_t>::max();  // of all samples
  int64_t last_ms_ = std::numeric_limits<int64_t>::min();
  bool full_ = false;      // the arena is: everything goes to `late_`
  std::string histogram_;  // scratch
};

}  // namespace leadline::collector::store::head
