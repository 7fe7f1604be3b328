// The first so many of texts that come in any order, each once, ascending. They lie where they lay,
// or are copied: see Add and Merge.
//
// One call, one thread. Errors are those of the meter, which has what it holds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/call_meter.h"
#include "collector/store/index/text_arena.h"
#include "common/status_macros.h"

namespace leadline::collector::store::index {

class SmallestTexts {
 public:
  // 0: no limit. `meter`, which outlives it, has what it holds; nullptr: nobody counts.
  explicit SmallestTexts(size_t limit, CallMeter* meter = nullptr) : limit_(limit), meter_(meter) {}

  // Takes a copy. Whether a text greater than this one would still be taken: who adds ascending
  // ends on false. After an error none is.
  bool Add(std::string_view text) {
    if (!status_.ok()) return false;
    const bool is_full = IsFull();
    if (is_full && text >= Largest()) return false;
    if (Has(text)) return true;
    if (meter_ != nullptr) status_ = meter_->Step(BytesOf(text));
    if (!status_.ok()) return false;
    const std::string_view copy = copies_.Copy(text);
    if (ascending_.empty() || text > ascending_.back()) {
      ascending_.push_back(copy);
    } else {
      others_.insert(copy);
    }
    if (is_full) DropLargest();
    return true;
  }

  // Takes of `count` texts, ascending and each once, those that are wanted, without copies: `kept`
  // keeps them. `at` gives the text of a number; `wanted`, whether it is, is not asked of those
  // that are known. Errors of `wanted` too.
  template <typename At, typename Wanted>
  absl::Status Merge(size_t count, At at, Wanted wanted, std::shared_ptr<const void> kept) {
    SortOthersIn();
    kept_.push_back(std::move(kept));
    std::vector<std::string_view> merged;
    merged.reserve(limit_ == 0 ? ascending_.size() + count : limit_);
    auto known = ascending_.begin();
    for (size_t i = 0; i < count && !IsFull(merged); ++i) {
      const std::string_view text = at(i);
      for (; known != ascending_.end() && *known < text && !IsFull(merged); ++known) {
        merged.push_back(*known);
      }
      if (IsFull(merged)) break;
      bool takes = false;
      if (known == ascending_.end() || *known != text) {
        LL_ASSIGN_OR_RETURN(takes, wanted(i));
      }
      if (meter_ != nullptr) LL_RETURN_IF_ERROR(meter_->Step(takes ? BytesOf(text) : 0));
      if (takes) merged.push_back(text);
    }
    for (; known != ascending_.end() && !IsFull(merged); ++known) merged.push_back(*known);
    ascending_ = std::move(merged);
    return absl::OkStatus();
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

  // All of them; valid until more are added, and as long as this.
  absl::Span<const std::string_view> Sorted() {
    SortOthersIn();
    return ascending_;
  }

 private:
  bool IsFull() const { return limit_ != 0 && ascending_.size() + others_.size() == limit_; }
  bool IsFull(const std::vector<std::string_view>& texts) const {
    return limit_ != 0 && texts.size() == limit_;
  }
  bool Has(std::string_view text) const {
    if (!others_.empty() && others_.contains(text)) return true;
    return !ascending_.empty() && text <= ascending_.back() &&
           std::binary_search(ascending_.begin(), ascending_.end(), text);
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
    if (copies_.bytes() > kMostCopiedBytes + 2 * copied_anew_bytes_) CopyAnew();
  }
  // What was dropped leaves its place.
  void CopyAnew() {
    SortOthersIn();
    TextArena copies;
    for (std::string_view& text : ascending_) text = copies.Copy(text);
    copies_ = std::move(copies);
    copied_anew_bytes_ = copies_.bytes();
  }

  void SortOthersIn() {
    if (others_.empty()) return;
    const auto middle = static_cast<ptrdiff_t>(ascending_.size());
    ascending_.insert(ascending_.end(), others_.begin(), others_.end());
    std::inplace_merge(ascending_.begin(), ascending_.begin() + middle, ascending_.end());
    others_.clear();
  }

  static constexpr size_t kMostCopiedBytes = size_t{64} << 10;
  // With its place.
  static uint64_t BytesOf(std::string_view text) { return 64 + text.size(); }

  const size_t limit_;
  CallMeter* const meter_;
  absl::Status status_;
  // Most come in order, and take their place at the end.
  std::vector<std::string_view> ascending_;
  std::set<std::string_view> others_;
  TextArena copies_;
  size_t copied_anew_bytes_ = 0;
  std::vector<std::shared_ptr<const void>> kept_;
};

}  // namespace leadline::collector::store::index
