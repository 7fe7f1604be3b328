#include "collector/store/engine/window_id.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "catalogue/metrics.h"
#include "collector/store/chunk/window_time.h"

namespace leadline::collector::store::engine {
namespace {

template <typename Number>
bool ParseDigits(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

RetentionClass ClassOf(std::string_view metric) {
  const catalogue::MetricInfo* const info = catalogue::FindMetric(metric);
  return info != nullptr && info->entity == catalogue::EntityKind::kProcess
             ? RetentionClass::kProcesses
             : RetentionClass::kRaw;
}

std::string_view NameOf(RetentionClass retention) {
  return kRetentionClasses[static_cast<size_t>(retention)];
}

std::string NameOf(const WindowId& id) {
  return fmt::format("{}/{}", NameOf(id.retention), DayName(id.start_ms));
}

std::optional<RetentionClass> ClassOfName(std::string_view name) {
  const auto found = std::find(kRetentionClasses.begin(), kRetentionClasses.end(), name);
  if (found == kRetentionClasses.end()) return std::nullopt;
  return static_cast<RetentionClass>(found - kRetentionClasses.begin());
}

std::string DayName(int64_t start_ms) {
  const std::chrono::year_month_day day{
      std::chrono::sys_days(std::chrono::days(start_ms / chunk::kWindowMs))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

int64_t DayOfName(std::string_view name) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  if (name.size() != 10 || name[4] != '-' || name[7] != '-' ||
      !ParseDigits(name.substr(0, 4), year) || !ParseDigits(name.substr(5, 2), month) ||
      !ParseDigits(name.substr(8, 2), day)) {
    return -1;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return -1;
  return std::chrono::sys_days(date).time_since_epoch().count() * chunk::kWindowMs;
}

}  // namespace leadline::collector::store::engine
