#include "collector/store/index/series_matcher.h"

#include <algorithm>
#include <string_view>

#include "collector/store/index/visible_labels.h"
#include "common/labels.h"

namespace leadline::collector::store::index {
namespace {

constexpr size_t kRememberedMatchers = 64;

}  // namespace

SeriesMatcher::SeriesMatcher(const Matchers& matchers)
    : matchers_(matchers),
      only_metric_(std::all_of(matchers.all().begin(), matchers.all().end(),
                               [](const auto& matcher) { return matcher.name() == kMetricName; })) {
}

bool SeriesMatcher::MetricMatches(const Definition& definition) {
  // Series of a metric mostly come one after the other.
  if (last_metric_ == definition.metric_id()) return last_metric_matches_;
  const auto [it, is_new] = metrics_.try_emplace(definition.metric_id(), true);
  if (is_new) {
    for (const CompiledMatcher& matcher : matchers_.all()) {
      if (matcher.name() == kMetricName) it->second &= matcher.Matches(definition.metric());
    }
  }
  last_metric_ = definition.metric_id();
  last_metric_matches_ = it->second;
  return last_metric_matches_;
}

uint64_t SeriesMatcher::MatchesOf(const model::EntityVersion* version) {
  const auto [it, is_new] = versions_.try_emplace(version, 0);
  if (!is_new) return it->second;
  for (size_t i = 0; i < std::min(matchers_.all().size(), kRememberedMatchers); ++i) {
    const CompiledMatcher& matcher = matchers_.all()[i];
    if (matcher.name() == kMetricName) continue;
    std::string_view value;
    if (version != nullptr) {
      value = version->labels.Get(matcher.name());
      if (value.empty()) value = version->kubernetes_labels.Get(matcher.name());
    }
    if (matcher.Matches(value)) it->second |= uint64_t{1} << i;
  }
  return it->second;
}

bool SeriesMatcher::Matches(const Definition& definition, const model::EntityVersion* version) {
  if (!MetricMatches(definition)) return false;
  if (only_metric_) return true;
  const uint64_t by_version = MatchesOf(version);
  for (size_t i = 0; i < matchers_.all().size(); ++i) {
    const CompiledMatcher& matcher = matchers_.all()[i];
    if (matcher.name() == kMetricName) continue;
    const std::string_view own = definition.Get(matcher.name());
    if (own.empty() && i < kRememberedMatchers) {
      if ((by_version >> i & 1) == 0) return false;
    } else if (!matcher.Matches(LabelValue(definition, version, matcher.name()))) {
      return false;
    }
  }
  return true;
}

}  // namespace leadline::collector::store::index
