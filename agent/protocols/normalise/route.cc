#include "agent/protocols/normalise/route.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "agent/protocols/normalise/ascii.h"

namespace leadline::agent::protocols::normalise {
namespace {

constexpr size_t kMaxWord = 32;       // of a whole segment
constexpr size_t kMaxPlainWord = 20;  // without a separator
constexpr size_t kMaxSeparators = 3;
constexpr size_t kMaxHumps = 4;  // of camelCase
constexpr size_t kMaxExtension = 5;

enum CharClass : uint8_t { kOther, kLower, kUpper, kDigit, kSeparator };

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<size_t>(c)] = kLower;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<size_t>(c)] = kUpper;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<size_t>(c)] = kDigit;
  for (const char c : {'-', '_', '.', '~'}) classes[static_cast<size_t>(c)] = kSeparator;
  return classes;
}

constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

uint8_t ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// Names with digits that are words all the same.
constexpr std::string_view kWordsWithDigits[] = {
    "base64", "ec2",    "e2e",  "h2",   "http2",  "i18n",   "ipv4", "ipv6", "k8s",
    "l10n",   "md5",    "mp3",  "mp4",  "oauth1", "oauth2", "p2p",  "s3",   "sha1",
    "sha256", "sha512", "utf8", "web2", "web3",   "woff2",  "x509",
};

bool IsWordWithDigits(std::string_view part) {
  if (part.size() >= 2 && part.size() <= 4 && (part[0] == 'v' || part[0] == 'V') &&
      std::all_of(part.begin() + 1, part.end(), [](char c) { return ClassOf(c) == kDigit; })) {
    return true;
  }
  return std::any_of(std::begin(kWordsWithDigits), std::end(kWordsWithDigits),
                     [part](std::string_view word) { return EqualsIgnoreCase(part, word); });
}

// A run between separators.
bool IsPlainWord(std::string_view part) {
  size_t digits = 0;
  size_t humps = 0;
  size_t hexadecimal = 0;
  for (size_t i = 0; i < part.size(); ++i) {
    const uint8_t c = ClassOf(part[i]);
    if (c == kDigit) ++digits;
    if (c == kUpper && i > 0 && ClassOf(part[i - 1]) == kLower) ++humps;
    if ((part[i] | 0x20) <= 'f') ++hexadecimal;
  }
  if (digits > 0) return IsWordWithDigits(part);
  if (part.size() > kMaxPlainWord || humps > kMaxHumps) return false;
  return part.size() < 8 || hexadecimal < part.size();
}

// The extension of a file's name, with its dot; "" for none.
std::string_view ExtensionOf(std::string_view segment) {
  const size_t dot = segment.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view extension = segment.substr(dot);
  if (extension.size() < 2 || extension.size() > kMaxExtension + 1) return {};
  for (const char c : extension.substr(1)) {
    if (ClassOf(c) != kLower) return {};
  }
  const bool is_name =
      std::none_of(segment.begin(), segment.end(), [](char c) { return ClassOf(c) == kOther; });
  return is_name ? extension : std::string_view();
}

class Writer {
 public:
  explicit Writer(absl::Span<char> out) : out_(out) {}

  // False, and nothing is written, when there would be no room for "/*" behind it.
  bool Add(std::string_view a, std::string_view b = {}, std::string_view c = {}) {
    if (size_ + a.size() + b.size() + c.size() + 2 > std::min(out_.size(), kMaxRoute)) return false;
    Append(a);
    Append(b);
    Append(c);
    return true;
  }
  void AddRest() { Append("/*"); }
  std::string_view view() const { return {out_.data(), size_}; }

 private:
  void Append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(out_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }

  absl::Span<char> out_;
  size_t size_ = 0;
};

std::string_view PathOf(std::string_view target) {
  if (const size_t scheme = target.find("://"); scheme != std::string_view::npos && scheme < 8) {
    target.remove_prefix(scheme + 3);
    const size_t slash = target.find_first_of("/?#");
    if (slash == std::string_view::npos || target[slash] != '/') return "/";
    target.remove_prefix(slash);
  }
  if (target.empty() || target.front() != '/') return {};
  return target.substr(0, target.find_first_of("?#"));
}

}  // namespace

bool IsWord(std::string_view segment) {
  if (segment.size() > kMaxWord) return false;
  size_t separators = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= segment.size(); ++i) {
    const uint8_t c = i < segment.size() ? ClassOf(segment[i]) : uint8_t{kSeparator};
    if (c == kOther) return false;
    if (c != kSeparator) continue;
    if (!IsPlainWord(segment.substr(begin, i - begin))) return false;
    begin = i + 1;
    if (i < segment.size()) ++separators;
  }
  return separators <= kMaxSeparators;
}

std::string_view Route(std::string_view target, absl::Span<char> out) {
  std::string_view path = PathOf(target);
  if (path.empty()) return {};
  Writer writer(out);
  size_t segments = 0;
  while (!path.empty()) {
    // One slash, however many there are.
    const size_t begin = path.find_first_not_of('/');
    if (begin == std::string_view::npos) {
      if (!writer.Add("/")) writer.AddRest();
      break;
    }
    path.remove_prefix(begin);
    const size_t end = std::min(path.find('/'), path.size());
    std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    segment = segment.substr(0, segment.find(';'));
    if (++segments > kMaxSegments ||
        !(IsWord(segment) ? writer.Add("/", segment) : writer.Add("/:id", ExtensionOf(segment)))) {
      writer.AddRest();
      break;
    }
  }
  return writer.view();
}

}  // namespace leadline::agent::protocols::normalise
