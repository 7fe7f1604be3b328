#include "collector/remote/otlp/names.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leadline::collector::remote::otlp {
namespace {

struct UnitWord {
  std::string_view unit;
  std::string_view word;
};

// Of UCUM's units those that Prometheus has words for.
constexpr UnitWord kUnits[] = {
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
};
// Behind a slash.
constexpr UnitWord kPerUnits[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                                  {"w", "week"},   {"mo", "month"}, {"y", "year"}};

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

using Tokens = std::vector<std::string>;

Tokens Split(std::string_view text, bool keeps_colons) {
  Tokens tokens;
  bool is_new = true;
  for (const char c : text) {
    if (!IsLetterOrDigit(c) && !(keeps_colons && c == ':')) {
      is_new = true;
      continue;
    }
    if (std::exchange(is_new, false)) tokens.emplace_back();
    tokens.back() += c;
  }
  return tokens;
}

std::string Join(const Tokens& tokens) { return fmt::format("{}", fmt::join(tokens, "_")); }

std::string_view TrimSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

template <size_t N>
std::string WordFor(std::string_view unit, const UnitWord (&words)[N]) {
  unit = TrimSpaces(unit);
  if (unit.find_first_of("{}") != std::string_view::npos) return "";  // an annotation
  for (const UnitWord& known : words) {
    if (known.unit == unit) return std::string(known.word);
  }
  return Join(Split(unit, false));
}

// The words of a unit: of what, and by what.
std::pair<std::string, std::string> UnitWords(std::string_view unit) {
  const size_t slash = unit.find('/');
  std::string per;
  if (slash != std::string_view::npos) per = WordFor(unit.substr(slash + 1), kPerUnits);
  if (!per.empty()) per.insert(0, "per_");
  return {WordFor(unit.substr(0, slash), kUnits), std::move(per)};
}

void MoveToEnd(const char* word, Tokens& tokens) {
  tokens.erase(std::remove(tokens.begin(), tokens.end(), word), tokens.end());
  tokens.emplace_back(word);
}

}  // namespace

std::string MetricName(std::string_view name, std::string_view unit, Kind kind) {
  Tokens tokens = Split(name, true);
  if (tokens.empty()) return "";
  const auto [of, per] = UnitWords(unit);
  for (const std::string& word : {of, per}) {
    if (word.empty() || std::find(tokens.begin(), tokens.end(), word) != tokens.end()) continue;
    tokens.push_back(word);
  }
  if (kind == Kind::kMonotonicSum) MoveToEnd("total", tokens);
  if (kind == Kind::kGauge && unit == "1") MoveToEnd("ratio", tokens);
  std::string joined = Join(tokens);
  if (IsDigit(joined.front())) joined.insert(joined.begin(), '_');
  return joined;
}

std::string LabelName(std::string_view key) {
  std::string name;
  name.reserve(key.size());
  for (size_t i = 0; i < key.size(); ++i) {
    // A character of several bytes is one underscore.
    if ((static_cast<unsigned char>(key[i]) & 0xc0) == 0x80) continue;
    name += IsLetterOrDigit(key[i]) ? key[i] : '_';
  }
  if (name.empty()) return name;
  if (IsDigit(name.front())) return "key_" + name;
  // Names that begin with two are for those who know what they do.
  if (name.starts_with('_') && !name.starts_with("__")) return "key" + name;
  return name;
}

std::string UnitName(std::string_view unit) {
  const auto [of, per] = UnitWords(unit);
  return of.empty() || per.empty() ? of + per : of + "_" + per;
}

}  // namespace leadline::collector::remote::otlp
