// Small parsers for the text files of /proc and cgroups.
//
// Views point into what was passed in. No allocation. Thread-safe.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace leadline::agent::source {

// Takes the text up to `separator` (or all of it) off the front of `text`.
inline std::string_view TakeUntil(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return token;
}

// Takes the next token between blanks off the front of `text`; empty at its end.
inline std::string_view TakeWord(std::string_view& text) {
  constexpr std::string_view kBlanks = " \t\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    text = {};
    return {};
  }
  text.remove_prefix(begin);
  const size_t end = text.find_first_of(kBlanks);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(word.size());
  return word;
}

// nullopt unless all of `word` is a number of type T.
template <typename T>
std::optional<T> ParseNumber(std::string_view word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace leadline::agent::source
