// The first so many of texts that come in any order, each once, ascending.
#pragma once

#include <cstddef>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leadline::collector::store::index {

class SmallestTexts {
 public:
  // 0: no limit.
  explicit SmallestTexts(size_t limit) : limit_(limit) {}

  // Whether a text greater than this one would still be taken: who adds ascending ends on false.
  bool Add(std::string_view text) {
    const bool is_full = limit_ != 0 && texts_.size() == limit_;
    if (is_full && text >= *texts_.rbegin()) return false;
    if (!texts_.contains(text)) {
      texts_.emplace(text);
      if (is_full) texts_.erase(std::prev(texts_.end()));
    }
    return true;
  }
  // Whether it is there, or would not be taken.
  bool Knows(std::string_view text) const {
    return texts_.contains(text) ||
           (limit_ != 0 && texts_.size() == limit_ && text > *texts_.rbegin());
  }

  std::vector<std::string> Take() && {
    std::vector<std::string> taken;
    taken.reserve(texts_.size());
    while (!texts_.empty()) taken.push_back(std::move(texts_.extract(texts_.begin()).value()));
    return taken;
  }

 private:
  const size_t limit_;
  std::set<std::string, std::less<>> texts_;
};

}  // namespace leadline::collector::store::index
