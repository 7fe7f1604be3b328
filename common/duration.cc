#include "common/duration.h"

#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace leadline {
namespace {

struct Unit {
  std::string_view name;
  int64_t ms;
};

// In the order in which they must stand.
constexpr Unit kUnits[] = {
    {"y", int64_t{365} * 24 * 3600 * 1000},
    {"w", int64_t{7} * 24 * 3600 * 1000},
    {"d", int64_t{24} * 3600 * 1000},
    {"h", 3600 * 1000},
    {"m", 60 * 1000},
    {"s", 1000},
    {"ms", 1},
};
constexpr int64_t kMaxMs = std::numeric_limits<int64_t>::max() / 1'000'000;

}  // namespace

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  const absl::Status invalid = absl::InvalidArgumentError(
      fmt::format("not a valid duration string: \"{}\" (as in 30d, 1h30m, 500ms)", text));
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return invalid;
  int64_t total_ms = 0;
  size_t next_unit = 0;
  while (!text.empty()) {
    int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count < 0) return invalid;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(name.size());
    while (next_unit < std::size(kUnits) && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == std::size(kUnits)) return invalid;
    const Unit& unit = kUnits[next_unit++];
    if (count > (kMaxMs - total_ms) / unit.ms) return invalid;
    total_ms += count * unit.ms;
  }
  return absl::Milliseconds(total_ms);
}

}  // namespace leadline
