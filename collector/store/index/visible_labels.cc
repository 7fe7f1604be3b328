#include "collector/store/index/visible_labels.h"

#include <algorithm>
#include <vector>

namespace leadline::collector::store::index {

std::string_view LabelValue(const Definition& series, const model::EntityVersion* version,
                            std::string_view name) {
  if (name == kMetricName) return series.metric();
  if (const std::string_view value = series.Get(name); !value.empty()) return value;
  if (version == nullptr) return "";
  if (const std::string_view value = version->labels.Get(name); !value.empty()) return value;
  return version->kubernetes_labels.Get(name);
}

bool IsInForce(const model::EntityTimeline& timeline, const LabelView& label, int64_t start_ms,
               int64_t end_ms) {
  return timeline.AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& version) {
    return version.labels.Get(label.name) == label.value ||
           version.kubernetes_labels.Get(label.name) == label.value;
  });
}

bool MatchesAll(const Matchers& matchers, const Definition& series,
                const model::EntityVersion* version) {
  return std::all_of(matchers.all().begin(), matchers.all().end(),
                     [&](const CompiledMatcher& matcher) {
                       return matcher.Matches(LabelValue(series, version, matcher.name()));
                     });
}

StringSet NamedKubernetesLabels(const Matchers& matchers, const std::vector<std::string>& names) {
  StringSet named;
  const auto add = [&](const std::string& name) {
    if (name.starts_with(kKubernetesLabelPrefix)) named.insert(name);
  };
  for (const CompiledMatcher& matcher : matchers.all()) add(matcher.name());
  for (const std::string& name : names) add(name);
  return named;
}

}  // namespace leadline::collector::store::index
