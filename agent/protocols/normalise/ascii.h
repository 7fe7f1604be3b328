// Letters of protocols, whatever the locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace leadline::agent::protocols::normalise {

constexpr char UpperCase(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

constexpr bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (UpperCase(a[i]) != UpperCase(b[i])) return false;
  }
  return true;
}

}  // namespace leadline::agent::protocols::normalise
