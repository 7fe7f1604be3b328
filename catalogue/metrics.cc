#include "catalogue/metrics.h"

#include <algorithm>
#include <iterator>

namespace leadline::catalogue {
namespace {

constexpr MetricInfo kMetrics[] = {
#define LL_METRIC(id, name, type, unit, entity, labels, series, help, source) \
  {Metric::id, name, MetricType::type, unit, EntityKind::entity, labels, series, help, source},
#include "catalogue/metrics.def"
#undef LL_METRIC
};

}  // namespace

absl::Span<const MetricInfo> Metrics() { return kMetrics; }

const MetricInfo& Info(Metric metric) { return kMetrics[static_cast<size_t>(metric)]; }

const MetricInfo* FindMetric(std::string_view name) {
  const auto* it = std::find_if(std::begin(kMetrics), std::end(kMetrics),
                                [name](const MetricInfo& row) { return row.name == name; });
  return it == std::end(kMetrics) ? nullptr : it;
}

std::string_view EntityKindName(EntityKind kind) {
  switch (kind) {
    case EntityKind::kNode:
      return "node";
    case EntityKind::kPod:
      return "pod";
    case EntityKind::kContainer:
      return "container";
    case EntityKind::kProcess:
      return "process";
    case EntityKind::kCgroup:
      return "cgroup";
    case EntityKind::kEdge:
      return "edge";
  }
  return "unknown";
}

std::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "unknown";
}

}  // namespace leadline::catalogue
