// The values of a label in a window, with the times at which it had them.
//
// What a series had of its own counts for the whole window; of entities a value counts while a
// version with it was in force, and only of entities that have series there. Plain values;
// immutable once made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"

#include "collector/store/window/keys.h"
#include "common/string_map.h"

namespace leadline::collector::store::window {

// From the first to the last millisecond.
struct TimeSpan {
  int64_t first_ms = std::numeric_limits<int64_t>::min();
  int64_t last_ms = std::numeric_limits<int64_t>::max();
};

// As it is gathered.
struct LabelValue {
  std::string value;
  bool of_series = false;                  // of its own, so for the whole window
  absl::InlinedVector<TimeSpan, 1> spans;  // of entities; in any order, none within another

  void Add(const TimeSpan& span);
};

// The versions of one entity, in their order, which are in force as EntityTimeline::AnyInForce
// says.
void AddVersions(const VersionLabels& versions, StringMap<LabelValue>& values);
std::vector<LabelValue> InOrder(StringMap<LabelValue> values);

// Both must be in order.
std::vector<LabelValue> Union(std::vector<LabelValue> a, std::vector<LabelValue> b);

// Ascending, each value once; in one piece, since it is read from the first to the last.
class LabelValueList {
 public:
  explicit LabelValueList(const std::vector<LabelValue>& values);

  size_t size() const { return ends_.size(); }
  std::string_view value(size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1].text;
    return std::string_view(text_).substr(begin, ends_[i].text - begin);
  }
  bool of_series(size_t i) const { return FirstSpan(i) == ends_[i].spans; }
  bool WasIn(size_t i, int64_t start_ms, int64_t end_ms) const {
    const auto begin = spans_.begin() + static_cast<ptrdiff_t>(FirstSpan(i));
    const auto end = spans_.begin() + static_cast<ptrdiff_t>(ends_[i].spans);
    return begin == end || std::any_of(begin, end, [&](const TimeSpan& span) {
             return span.first_ms <= end_ms && span.last_ms >= start_ms;
           });
  }
  size_t bytes() const {
    return sizeof(*this) + text_.capacity() + ends_.capacity() * sizeof(Ends) +
           spans_.capacity() * sizeof(TimeSpan);
  }

 private:
  struct Ends {
    size_t text = 0;
    size_t spans = 0;
  };

  size_t FirstSpan(size_t i) const { return i == 0 ? 0 : ends_[i - 1].spans; }

  std::string text_;
  std::vector<Ends> ends_;
  std::vector<TimeSpan> spans_;  // none of what series have
};

}  // namespace leadline::collector::store::window
