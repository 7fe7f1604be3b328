// Which window: a day of a retention class.
//
// A class has windows of its own, so that what is kept for less time goes a window at a time, too.
// Each is a row of kRetentionClasses; a series' class follows from the catalogue's row of its
// metric. Its directory is windows/<class>/<day>. Pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leadline::collector::store::engine {

enum class RetentionClass : uint8_t {
  kRaw,        // all but
  kProcesses,  // series of single processes: many, and of short lives
};
inline constexpr std::array<std::string_view, 2> kRetentionClasses = {"raw", "processes"};

// Something for each class.
template <typename Value>
using ByClass = std::array<Value, kRetentionClasses.size()>;

struct WindowId {
  int64_t start_ms = 0;  // of the day, since the Unix epoch
  RetentionClass retention = RetentionClass::kRaw;

  auto operator<=>(const WindowId&) const = default;  // the oldest first
};

RetentionClass ClassOf(std::string_view metric);

// "raw", and "raw/2026-11-22": the directory below windows/.
std::string_view NameOf(RetentionClass retention);
std::string NameOf(const WindowId& id);
std::optional<RetentionClass> ClassOfName(std::string_view name);

// A day, as in 2026-11-22.
std::string DayName(int64_t start_ms);
// -1 when it is not one.
int64_t DayOfName(std::string_view name);

}  // namespace leadline::collector::store::engine
