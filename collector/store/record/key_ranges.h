// Walks through the key ranges of a filter beside keys that ascend, so that what lies between two
// ranges is passed over at once.
//
// Refers to the ranges. Not synchronized.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "absl/types/span.h"

#include "collector/store/store.h"

namespace leadline::collector::store::record {

class KeyRangeWalk {
 public:
  explicit KeyRangeWalk(absl::Span<const KeyRange> ranges)
      : ranges_(ranges), is_bound_(!ranges.empty()) {}

  bool is_bound() const { return is_bound_; }
  size_t key_bytes() const { return is_bound_ ? ranges_.front().first.size() : 0; }

  // REQUIRES: no key below one that was asked before, and ranges.
  enum class Place : uint8_t { kWithin, kBefore, kBehindAll };
  Place Find(std::string_view key) {
    if (at_ < ranges_.size() && ranges_[at_].last < key) {
      at_ = static_cast<size_t>(
          std::partition_point(ranges_.begin() + at_, ranges_.end(),
                               [key](const KeyRange& range) { return range.last < key; }) -
          ranges_.begin());
    }
    if (at_ == ranges_.size()) return Place::kBehindAll;
    return key < ranges_[at_].first ? Place::kBefore : Place::kWithin;
  }

  // The next one, after kBefore.
  const KeyRange& range() const { return ranges_[at_]; }

 private:
  const absl::Span<const KeyRange> ranges_;
  const bool is_bound_;
  size_t at_ = 0;
};

}  // namespace leadline::collector::store::record
