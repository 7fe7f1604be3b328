#include "collector/remote/write/metric_type.h"

#include <array>
#include <cstddef>

namespace leadline::collector::remote::write {
namespace {

struct TypeInfo {
  const char* name;
  bool has_parts;  // series under the metric's name and a suffix
  bool grows;      // its series, or those parts
};

// By number.
constexpr std::array<TypeInfo, 8> kTypes = {{
    {"unknown", false, false},
    {"counter", false, true},
    {"gauge", false, false},
    {"histogram", true, true},
    {"gaugehistogram", true, false},
    {"summary", true, true},
    {"info", false, false},
    {"stateset", false, false},
}};

const TypeInfo& InfoOf(MetricType type) { return kTypes[static_cast<size_t>(type)]; }

}  // namespace

MetricType MetricTypeOf(uint64_t number) {
  return number < kTypes.size() ? static_cast<MetricType>(number) : MetricType::kUnknown;
}

MetricType MetricTypeNamed(std::string_view name) {
  for (size_t number = 0; number < kTypes.size(); ++number) {
    if (name == kTypes[number].name) return static_cast<MetricType>(number);
  }
  return MetricType::kUnknown;
}

const char* TypeName(MetricType type) { return InfoOf(type).name; }

std::string_view FamilyOf(std::string_view metric, MetricType type) {
  if (!InfoOf(type).has_parts) return metric;
  for (const std::string_view suffix : {"_bucket", "_count", "_sum"}) {
    if (metric.size() > suffix.size() && metric.ends_with(suffix)) {
      return metric.substr(0, metric.size() - suffix.size());
    }
  }
  return metric;
}

bool IsCumulative(std::string_view metric, MetricType type) {
  const TypeInfo& info = InfoOf(type);
  return info.grows && (!info.has_parts || FamilyOf(metric, type) != metric);
}

}  // namespace leadline::collector::remote::write
