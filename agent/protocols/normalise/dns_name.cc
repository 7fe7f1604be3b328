#include "agent/protocols/normalise/dns_name.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace leadline::agent::protocols::normalise {
namespace {

constexpr size_t kMaxLabel = 40;
constexpr size_t kMaxPart = 20;
constexpr size_t kMaxDigitsOfPart = 3;
constexpr size_t kMaxDigits = 4;
constexpr size_t kMaxNumbers = 2;
constexpr size_t kMaxLabelsOfName = 128;  // more do not fit into 255 bytes

char LowerCase(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Between hyphens: letters, or a short number, or letters with one behind them.
bool IsPlainPart(std::string_view part, size_t& digits, size_t& numbers) {
  size_t letters = 0;
  size_t own_digits = 0;
  bool letter_after_digit = false;
  size_t hexadecimal = 0;
  for (const char c : part) {
    if (c >= '0' && c <= '9') {
      ++own_digits;
    } else if (c >= 'a' && c <= 'z') {
      ++letters;
      letter_after_digit |= own_digits > 0;
      hexadecimal += c <= 'f' ? 1 : 0;
    } else if (c != '_') {
      return false;
    }
  }
  digits += own_digits;
  if (letters == 0 && own_digits > 0) ++numbers;
  if (own_digits > kMaxDigitsOfPart || part.size() > kMaxPart) return false;
  // "k8s" and "e2e" are words, what is longer is not.
  if (letter_after_digit && part.size() > 4) return false;
  return part.size() < 8 || hexadecimal + own_digits < part.size();
}

// REQUIRES: in lower case
bool IsPlainLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel) return false;
  size_t digits = 0;
  size_t numbers = 0;
  size_t begin = 0;
  while (begin <= label.size()) {
    const size_t end = std::min(label.find('-', begin), label.size());
    if (!IsPlainPart(label.substr(begin, end - begin), digits, numbers)) return false;
    begin = end + 1;
  }
  return digits <= kMaxDigits && numbers <= kMaxNumbers;
}

}  // namespace

std::string_view DnsName(std::string_view labels, absl::Span<char> out) {
  // In lower case, and where each label begins.
  std::array<char, 256> name;
  std::array<uint8_t, kMaxLabelsOfName> begins;
  std::array<uint8_t, kMaxLabelsOfName> sizes;
  size_t count = 0;
  labels = labels.substr(0, name.size());
  for (size_t at = 0; at < labels.size() && count < kMaxLabelsOfName;) {
    const size_t size =
        std::min<size_t>(static_cast<unsigned char>(labels[at]), labels.size() - at - 1);
    begins[count] = static_cast<uint8_t>(at + 1);
    sizes[count++] = static_cast<uint8_t>(size);
    std::transform(labels.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                   labels.begin() + static_cast<std::ptrdiff_t>(at + 1 + size),
                   name.begin() + at + 1, LowerCase);
    at += 1 + size;
  }
  const auto label = [&](size_t i) { return std::string_view(name.data() + begins[i], sizes[i]); };

  size_t size = 0;
  const auto add = [&](std::string_view text) {
    if (size + text.size() + 1 > out.size()) return;
    if (size > 0) out[size++] = '.';
    std::memcpy(out.data() + size, text.data(), text.size());
    size += text.size();
  };
  if (count == 0) {
    add(".");
    return {out.data(), size};
  }
  const bool is_reverse = count > 2 && label(count - 1) == "arpa" &&
                          (label(count - 2) == "in-addr" || label(count - 2) == "ip6");
  const size_t kept = is_reverse ? 2 : std::min(count, kMaxLabels);
  if (kept < count) add("*");
  for (size_t i = count - kept; i < count; ++i) {
    add(IsPlainLabel(label(i)) ? label(i) : std::string_view(":id"));
  }
  return {out.data(), size};
}

}  // namespace leadline::agent::protocols::normalise
