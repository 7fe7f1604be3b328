#include "agent/features/feature_report.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <spdlog/spdlog.h>

namespace leadline::agent {
namespace {

std::string_view StateName(const Feature& feature) {
  if (!feature.enabled) return "off";
  return feature.problem.empty() ? "on" : "in part";
}

}  // namespace

std::string FeatureReport::ToText() const {
  std::string text = fmt::format("{:<16} {:<8} {}\n", "FEATURE", "STATE", "GIVES");
  for (const Feature& feature : features_) {
    text += fmt::format("{:<16} {:<8} {}\n", feature.name, StateName(feature), feature.gives);
    if (!feature.problem.empty()) text += fmt::format("{:<25} why: {}\n", "", feature.problem);
    if (!feature.mend.empty()) text += fmt::format("{:<25} mend: {}\n", "", feature.mend);
  }
  return text;
}

void FeatureReport::Log() const {
  std::vector<const Feature*> left;
  for (const Feature& feature : features_) {
    if (!feature.problem.empty()) left.push_back(&feature);
  }
  while (!left.empty()) {
    const Feature first = *left.front();
    std::string names;
    std::erase_if(left, [&](const Feature* feature) {
      if (feature->problem != first.problem || feature->enabled != first.enabled) return false;
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", feature->name, feature->gives);
      return true;
    });
    spdlog::warn("{}: {}: {}{}{}", StateName(first), names, first.problem,
                 first.mend.empty() ? "" : "; ", first.mend);
  }
}

void FeatureReport::Export(prometheus::Registry& registry) const {
  auto& family = prometheus::BuildGauge()
                     .Name("leadline_agent_feature_enabled")
                     .Help("1 for what the agent does on this machine, 0 for what is off.")
                     .Register(registry);
  for (const Feature& feature : features_) {
    family.Add({{"feature", feature.name}}).Set(feature.enabled ? 1 : 0);
  }
}

}  // namespace leadline::agent
