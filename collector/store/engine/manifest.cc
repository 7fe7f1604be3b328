#include "collector/store/engine/manifest.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "collector/store/chunk/window_time.h"

namespace leadline::collector::store::engine {
namespace {

constexpr std::string_view kFirstWord = "leadline-store ";
constexpr std::string_view kCheckpointsWord = "checkpoints ";
constexpr std::string_view kWindowWord = "window raw ";
constexpr std::string_view kChecksumWord = "checksum ";

std::string Checksum(std::string_view text) {
  return fmt::format("{}{:016x}\n", kChecksumWord, XXH3_64bits(text.data(), text.size()));
}

absl::Status Damage(std::string_view what) {
  return absl::DataLossError(fmt::format("manifest: {}", what));
}

template <typename Number>
bool ParseNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// One or more, with a space between two.
bool ParseNumbers(std::string_view text, std::vector<uint64_t>& numbers) {
  numbers.clear();
  while (true) {
    const size_t end = std::min(text.find(' '), text.size());
    if (!ParseNumber(text.substr(0, end), numbers.emplace_back())) return false;
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

// The next line without its end; `text` moves on.
std::string_view NextLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// The rest of the line when it begins with `word`; otherwise "".
std::string_view After(std::string_view word, std::string_view line) {
  return line.starts_with(word) ? line.substr(word.size()) : "";
}

}  // namespace

std::string WindowName(int64_t start_ms) {
  const std::chrono::year_month_day day{
      std::chrono::sys_days(std::chrono::days(start_ms / chunk::kWindowMs))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

int64_t WindowStartOfName(std::string_view name) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (name.size() != 10 || name[4] != '-' || name[7] != '-' ||
      !ParseNumber(name.substr(0, 4), year) || !ParseNumber(name.substr(5, 2), month) ||
      !ParseNumber(name.substr(8, 2), day)) {
    return -1;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return -1;
  return std::chrono::sys_days(date).time_since_epoch().count() * chunk::kWindowMs;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string text = fmt::format("{}{}\n{}{}\n", kFirstWord, kManifestVersion, kCheckpointsWord,
                                 fmt::join(manifest.checkpoints, " "));
  for (const int64_t start_ms : manifest.windows) {
    text += fmt::format("{}{}\n", kWindowWord, WindowName(start_ms));
  }
  return text + Checksum(text);
}

absl::StatusOr<Manifest> ParseManifest(std::string_view text) {
  std::string_view rest = text;
  uint32_t version = 0;
  if (!ParseNumber(After(kFirstWord, NextLine(rest)), version) || version == 0) {
    return Damage("bad first line");
  }
  if (version != kManifestVersion) {
    return absl::UnimplementedError(
        fmt::format("manifest of version {}; this program reads {}", version, kManifestVersion));
  }
  const size_t checksum = text.rfind(kChecksumWord);
  if (checksum == std::string_view::npos ||
      Checksum(text.substr(0, checksum)) != text.substr(checksum)) {
    return Damage("bad checksum");
  }
  Manifest manifest;
  if (!ParseNumbers(After(kCheckpointsWord, NextLine(rest)), manifest.checkpoints)) {
    return Damage("bad line of checkpoints");
  }
  for (std::string_view line = NextLine(rest); !line.starts_with(kChecksumWord);
       line = NextLine(rest)) {
    const int64_t start_ms = WindowStartOfName(After(kWindowWord, line));
    if (start_ms < 0) return Damage(fmt::format("bad line \"{}\"", line));
    manifest.windows.insert(start_ms);
  }
  return manifest;
}

}  // namespace leadline::collector::store::engine
