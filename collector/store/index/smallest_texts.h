// The first so many of texts that come in any order, each once, ascending.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "collector/store/call_meter.h"

namespace leadline::collector::store::index {

class SmallestTexts {
 public:
  // 0: no limit. `meter`, which outlives it, has what it holds; nullptr: nobody counts.
  explicit SmallestTexts(size_t limit, CallMeter* meter = nullptr) : limit_(limit), meter_(meter) {}

  // Whether a text greater than this one would still be taken: who adds ascending ends on false.
  // After an error none is.
  bool Add(std::string_view text) {
    if (!status_.ok()) return false;
    const bool is_full = IsFull();
    if (is_full && text >= Largest()) return false;
    if (Has(text)) return true;
    if (meter_ != nullptr) status_ = meter_->Step(BytesOf(text));
    if (!status_.ok()) return false;
    if (IsBehindAll(text)) {
      ascending_.emplace_back(text);
    } else {
      others_.emplace(text);
    }
    if (is_full) DropLargest();
    return true;
  }
  // Whether it is there, or would not be taken.
  bool Knows(std::string_view text) const { return Has(text) || (IsFull() && text > Largest()); }

  // Before more is looked at that may be added: whether the meter allows it.
  bool GoOn() {
    if (meter_ != nullptr && status_.ok()) status_ = meter_->Step();
    return status_.ok();
  }
  // What the meter has said.
  const absl::Status& status() const { return status_; }

  std::vector<std::string> Take() && {
    if (others_.empty()) return std::move(ascending_);
    std::vector<std::string> taken;
    taken.reserve(ascending_.size() + others_.size());
    auto next = ascending_.begin();
    while (!others_.empty()) {
      std::string other = std::move(others_.extract(others_.begin()).value());
      for (; next != ascending_.end() && *next < other; ++next) taken.push_back(std::move(*next));
      taken.push_back(std::move(other));
    }
    taken.insert(taken.end(), std::make_move_iterator(next),
                 std::make_move_iterator(ascending_.end()));
    return taken;
  }

 private:
  bool IsFull() const { return limit_ != 0 && ascending_.size() + others_.size() == limit_; }
  bool IsBehindAll(std::string_view text) const {
    return ascending_.empty() || text > ascending_.back();
  }
  bool Has(std::string_view text) const {
    if (!others_.empty() && others_.contains(text)) return true;
    return !IsBehindAll(text) && std::binary_search(ascending_.begin(), ascending_.end(), text,
                                                    std::less<std::string_view>());
  }
  // REQUIRES: not empty.
  bool IsLargestInOrder() const {
    return others_.empty() || (!ascending_.empty() && ascending_.back() > *others_.rbegin());
  }
  std::string_view Largest() const {
    return IsLargestInOrder() ? ascending_.back() : *others_.rbegin();
  }
  void DropLargest() {
    if (meter_ != nullptr) meter_->GiveBack(BytesOf(Largest()));
    if (IsLargestInOrder()) {
      ascending_.pop_back();
    } else {
      others_.erase(std::prev(others_.end()));
    }
  }

  // With its place.
  static uint64_t BytesOf(std::string_view text) { return 64 + text.size(); }

  const size_t limit_;
  CallMeter* const meter_;
  absl::Status status_;
  // Most come in order, and take their place at the end.
  std::vector<std::string> ascending_;
  std::set<std::string, std::less<>> others_;
};

}  // namespace leadline::collector::store::index
