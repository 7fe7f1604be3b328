// A text of a few bytes without storage of its own elsewhere: copied like a number. Longer ones are
// cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace leadline::agent::protocols::base {

class ShortText {
 public:
  static constexpr size_t kMax = 23;

  ShortText() = default;
  ShortText(std::string_view text)  // NOLINT(google-explicit-constructor): it is that text
      : size_(static_cast<uint8_t>(std::min(text.size(), kMax))) {
    if (size_ != 0) std::memcpy(bytes_, text.data(), size_);
  }

  static ShortText Decimal(uint32_t value) {
    char digits[10];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return std::string_view(digits + at, sizeof digits - at);
  }

  std::string_view view() const { return {bytes_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  char bytes_[kMax];
  uint8_t size_ = 0;
};

}  // namespace leadline::agent::protocols::base
