// A fixed set of words in capitals, found in whatever case they are written, without allocation.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/protocols/normalise/ascii.h"

namespace leadline::agent::protocols::normalise {

// Made at compile time of an array of words in capitals.
template <size_t kWords>
class WordSet {
 public:
  explicit constexpr WordSet(const std::string_view (&words)[kWords]) {
    for (size_t i = 0; i < kWords; ++i) {
      words_[i] = words[i];
      if (words[i].size() > longest_) longest_ = words[i].size();
      size_t at = Hash(words[i]) % kSlots;
      while (slots_[at] != 0) at = (at + 1) % kSlots;
      slots_[at] = static_cast<uint16_t>(i + 1);
    }
  }

  // Its place in the array; kWords for a word that is not there.
  constexpr size_t Find(std::string_view word) const {
    if (word.size() > longest_) return kWords;
    for (size_t at = Hash(word) % kSlots; slots_[at] != 0; at = (at + 1) % kSlots) {
      if (EqualsIgnoreCase(word, words_[slots_[at] - size_t{1}])) return slots_[at] - size_t{1};
    }
    return kWords;
  }

  // REQUIRES: i < kWords
  constexpr std::string_view operator[](size_t i) const { return words_[i]; }
  static constexpr size_t size() { return kWords; }

 private:
  static constexpr size_t kSlots = std::bit_ceil(kWords * 3);

  static constexpr size_t Hash(std::string_view word) {
    size_t hash = word.size();
    for (const char c : word) hash = hash * 31 + static_cast<unsigned char>(UpperCase(c));
    return hash ^ (hash >> 9);
  }

  std::array<std::string_view, kWords> words_{};
  std::array<uint16_t, kSlots> slots_{};  // 1 + place in words_; 0 for none
  size_t longest_ = 0;
};

}  // namespace leadline::agent::protocols::normalise
