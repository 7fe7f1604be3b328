#include "collector/store/index/visible_labels.h"

#include <algorithm>
#include <vector>

namespace leadline::collector::store::index {

std::string_view LabelValue(const model::SeriesDefinition& series,
                            const model::EntityVersion* version, std::string_view name) {
  if (name == kMetricName) return series.metric;
  if (const std::string_view value = series.residual.Get(name); !value.empty()) return value;
  if (version == nullptr) return "";
  if (const std::string_view value = version->labels.Get(name); !value.empty()) return value;
  return version->kubernetes_labels.Get(name);
}

bool MatchesAll(const Matchers& matchers, const model::SeriesDefinition& series,
                const model::EntityVersion* version) {
  return std::all_of(matchers.all().begin(), matchers.all().end(),
                     [&](const CompiledMatcher& matcher) {
                       return matcher.Matches(LabelValue(series, version, matcher.name()));
                     });
}

LabelSet VisibleLabels(const model::SeriesDefinition& series, const model::EntityVersion* version,
                       const StringSet& named) {
  std::vector<Label> labels;
  if (version != nullptr) {
    for (const Label& label : version->kubernetes_labels) {
      if (named.contains(label.name)) labels.push_back(label);
    }
    labels.insert(labels.end(), version->labels.begin(), version->labels.end());
  }
  labels.insert(labels.end(), series.residual.begin(), series.residual.end());
  labels.push_back({std::string(kMetricName), series.metric});
  return LabelSet(std::move(labels));
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
