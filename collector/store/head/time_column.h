// The timestamps that series have in common: an ascending column, to which samples refer by index.
//
// Milliseconds since the Unix epoch; a column spans 49 days at most. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace leadline::collector::store::head {

class TimeColumn {
 public:
  explicit TimeColumn(int64_t first_ms) : first_ms_(first_ms), offsets_ms_(1) {}

  static constexpr size_t kMaxSize = (size_t{1} << 27) - 1;

  // Whether `ts_ms` may be the next. REQUIRES: ts_ms >= 0.
  bool MayPush(int64_t ts_ms) const {
    return ts_ms > last_ms() && ts_ms - first_ms_ <= std::numeric_limits<uint32_t>::max() &&
           offsets_ms_.size() < kMaxSize;
  }
  void Push(int64_t ts_ms) { offsets_ms_.push_back(static_cast<uint32_t>(ts_ms - first_ms_)); }

  int64_t At(size_t index) const { return first_ms_ + offsets_ms_[index]; }
  int64_t last_ms() const { return first_ms_ + offsets_ms_.back(); }
  uint32_t size() const { return static_cast<uint32_t>(offsets_ms_.size()); }
  size_t bytes() const { return sizeof *this + offsets_ms_.capacity() * sizeof(uint32_t); }

 private:
  int64_t first_ms_;
  std::vector<uint32_t> offsets_ms_;
};

}  // namespace leadline::collector::store::head
