// Copies of texts that go all at once. Not synchronized.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace leadline::collector::store::index {

class TextArena {
 public:
  // Valid as long as the arena, or what it is moved to.
  std::string_view Copy(std::string_view text) {
    if (text.size() > room_) AddPage(text.size());
    char* const copy = end_ - room_;
    std::memcpy(copy, text.data(), text.size());
    room_ -= text.size();
    bytes_ += text.size();
    return {copy, text.size()};
  }

  // Of the texts.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kPageBytes = 4 << 10;

  void AddPage(size_t at_least) {
    const size_t size = std::max(kPageBytes, at_least);
    pages_.push_back(std::make_unique_for_overwrite<char[]>(size));
    end_ = pages_.back().get() + size;
    room_ = size;
  }

  std::vector<std::unique_ptr<char[]>> pages_;
  char* end_ = nullptr;  // of the last page
  size_t room_ = 0;      // before it
  size_t bytes_ = 0;
};

}  // namespace leadline::collector::store::index
