// What a batch's series are numbered by while it is translated: in the order in which its frames
// first have them.
//
// Of one batch at a time, whosever; it grows with the largest ref that it sees. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace leadline::collector::ingest {

class SeriesNumbers {
 public:
  // Forgets the batch before. `frames`: of this one, at most.
  void BeginBatch(size_t frames) {
    if (frames > std::numeric_limits<uint32_t>::max() - frame_) {
      seen_.clear();
      frame_ = 0;
    }
    first_frame_ = frame_ + 1;
  }
  void BeginFrame() { ++frame_; }

  // The number of the series of that ref, `next` where the batch has not had it before; nullopt
  // when the frame has it already.
  std::optional<uint32_t> Take(uint32_t ref, uint32_t next) {
    if (ref >= seen_.size()) seen_.resize(size_t{ref} + 1);
    Seen& seen = seen_[ref];
    if (seen.frame == frame_) return std::nullopt;
    if (seen.frame < first_frame_) seen.number = next;
    seen.frame = frame_;
    return seen.number;
  }

 private:
  struct Seen {
    uint32_t frame = 0;   // the last one that had it
    uint32_t number = 0;  // in the batch of that frame
  };

  std::vector<Seen> seen_;  // by ref
  uint32_t frame_ = 0;      // since they were cleared
  uint32_t first_frame_ = 1;
};

}  // namespace leadline::collector::ingest
