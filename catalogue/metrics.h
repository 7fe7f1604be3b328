// The metric catalogue: every metric that Leadline writes itself, as a table.
//
// The rows are in metrics.def; the enum, the look-up by name and the generated reference derive
// from them. Constant data; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::catalogue {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

// What a metric is about. The numbers are those of leadline.v1.EntityKind and are on disk.
enum class EntityKind : uint8_t {
  kNode = 1,
  kPod = 2,
  kContainer = 3,
  kProcess = 4,
  kCgroup = 5,
  kEdge = 6,
};

enum class Metric : uint16_t {
#define LL_METRIC(id, ...) id,
#include "catalogue/metrics.def"  // IWYU pragma: keep
#undef LL_METRIC
};

struct MetricInfo {
  Metric id;
  std::string_view name;
  MetricType type;
  std::string_view unit;
  EntityKind entity;
  std::string_view labels;  // residual labels, separated by commas
  uint32_t series_per_entity;
  std::string_view help;
  std::string_view source;
};

// In the order of the enum.
absl::Span<const MetricInfo> Metrics();

const MetricInfo& Info(Metric metric);

// nullptr where there is none of that name.
const MetricInfo* FindMetric(std::string_view name);

// "container", "pod", ...
std::string_view EntityKindName(EntityKind kind);

// "counter", "gauge", "histogram", as in the Prometheus API.
std::string_view MetricTypeName(MetricType type);

}  // namespace leadline::catalogue
