// What one tenant may write; over a limit is refused, counted and told with the limit's name
// (refusals.h). Every limit is a row of kTenantLimits, which is also its option's name.
//
// 0 is no limit where a row says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace leadline::collector::store {

// What the formats on disk hold, whatever the tenant.
inline constexpr size_t kMaxMetricBytes = 1024;
inline constexpr size_t kMaxLabels = 512;  // of a series, and of each kind of an entity's
inline constexpr size_t kMaxLabelNameBytes = 1024;
inline constexpr size_t kMaxLabelValueBytes = 16 << 10;

struct TenantLimits {
  // Of the head: those that live and those that ended and are still in memory.
  uint64_t max_series = 10'000'000;
  uint64_t max_new_series_a_minute = 10'000'000;
  uint64_t max_samples_a_second = 10'000'000;
  uint64_t max_labels = kMaxLabels;  // of a series, beside its name and those of its entity
  uint64_t max_metric_bytes = kMaxMetricBytes;
  uint64_t max_label_name_bytes = kMaxLabelNameBytes;
  uint64_t max_label_value_bytes = kMaxLabelValueBytes;

  bool operator==(const TenantLimits&) const = default;
};

struct TenantLimitRow {
  std::string_view name;
  uint64_t TenantLimits::*value;
  uint64_t least;
  uint64_t most;
  std::string_view about;
};

inline constexpr std::array kTenantLimits = {
    TenantLimitRow{"max-series", &TenantLimits::max_series, 0, UINT64_MAX,
                   "Series that a tenant may have in memory; 0: no limit"},
    TenantLimitRow{"max-new-series", &TenantLimits::max_new_series_a_minute, 0, UINT64_MAX,
                   "Series that a tenant may begin in a minute; 0: no limit"},
    TenantLimitRow{"max-samples", &TenantLimits::max_samples_a_second, 0, UINT64_MAX,
                   "Samples that a tenant may write in a second, over ten seconds; 0: no limit"},
    TenantLimitRow{"max-labels", &TenantLimits::max_labels, 0, kMaxLabels,
                   "Labels of a series, beside its name and those of its entity"},
    TenantLimitRow{"max-metric-length", &TenantLimits::max_metric_bytes, 1, kMaxMetricBytes,
                   "Bytes of a metric's name"},
    TenantLimitRow{"max-label-name-length", &TenantLimits::max_label_name_bytes, 1,
                   kMaxLabelNameBytes, "Bytes of a label's name"},
    TenantLimitRow{"max-label-value-length", &TenantLimits::max_label_value_bytes, 1,
                   kMaxLabelValueBytes, "Bytes of a label's value"},
};

constexpr std::string_view LimitName(uint64_t TenantLimits::*limit) {
  for (const TenantLimitRow& row : kTenantLimits) {
    if (row.value == limit) return row.name;
  }
  return "";
}

// By tenant; those that are not there have the default.
using TenantLimitsOf = std::map<std::string, TenantLimits, std::less<>>;

}  // namespace leadline::collector::store
