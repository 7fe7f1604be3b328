#include "collector/store/index/candidates.h"

#include <optional>
#include <utility>

#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::index {
namespace {

absl::Status AddWithValue(const PostingsSource& source, LabelsOf whose,
                          const CompiledMatcher& matcher, Roaring& out) {
  for (const ValueAlternative& one : matcher.alternatives()) {
    if (one.rest == ValueAlternative::Rest::kNothing) {
      LL_RETURN_IF_ERROR(source.AddWithLabel(whose, {matcher.name(), one.text}, out));
      continue;
    }
    LL_RETURN_IF_ERROR(source.AddWithValues(
        whose, matcher.name(), one.text,
        [&](std::string_view value) { return matcher.HasValue(value); }, out));
  }
  return absl::OkStatus();
}

absl::Status AddWithoutValue(const PostingsSource& source, LabelsOf whose,
                             const CompiledMatcher& matcher, Roaring& out) {
  return source.AddWithValues(
      whose, matcher.name(), "", [&](std::string_view value) { return !matcher.HasValue(value); },
      out);
}

absl::Status AddMatching(const PostingsSource& source, LabelsOf whose,
                         const CompiledMatcher& matcher, Roaring& out) {
  return matcher.is_negative() ? AddWithoutValue(source, whose, matcher, out)
                               : AddWithValue(source, whose, matcher, out);
}

absl::StatusOr<Roaring> SeriesMatching(const PostingsSource& source, const CompiledMatcher& matcher,
                                       const Roaring* within) {
  Roaring matching;
  LL_RETURN_IF_ERROR(AddMatching(source, LabelsOf::kSeries, matcher, matching));
  if (matcher.name() == kMetricName) return matching;
  Roaring entities;
  LL_RETURN_IF_ERROR(AddMatching(source, LabelsOf::kEntity, matcher, entities));
  if (!entities.isEmpty()) {
    LL_RETURN_IF_ERROR(source.AddSeriesOf(entities, within, matching));
  }
  return matching;
}

}  // namespace

absl::StatusOr<Roaring> FindSeries(const PostingsSource& source, const Matchers& matchers) {
  std::optional<Roaring> candidates;
  const auto narrow = [&](const CompiledMatcher& matcher) -> absl::Status {
    if (matcher.matches_empty()) return absl::OkStatus();
    LL_ASSIGN_OR_RETURN(
        Roaring matching,
        SeriesMatching(source, matcher, candidates.has_value() ? &*candidates : nullptr));
    if (candidates.has_value()) {
      *candidates &= matching;
    } else {
      candidates = std::move(matching);
    }
    return absl::OkStatus();
  };
  // Metrics first: they narrow most, and entities need not be asked.
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName) LL_RETURN_IF_ERROR(narrow(matcher));
  }
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() != kMetricName) LL_RETURN_IF_ERROR(narrow(matcher));
  }
  if (!candidates.has_value()) {
    candidates.emplace();
    LL_RETURN_IF_ERROR(source.AddAllSeries(*candidates));
  }
  // What has no such label matches these too. Only a series' own label, which wins over the
  // entity's whichever version is in force, says for certain that it does not match.
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (!matcher.matches_empty() || candidates->isEmpty()) continue;
    Roaring others;
    LL_RETURN_IF_ERROR(matcher.is_negative()
                           ? AddWithValue(source, LabelsOf::kSeries, matcher, others)
                           : AddWithoutValue(source, LabelsOf::kSeries, matcher, others));
    *candidates -= others;
  }
  return *std::move(candidates);
}

absl::StatusOr<Roaring> FindEntities(const PostingsSource& source, const Matchers& matchers) {
  Roaring entities;
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName || matcher.matches_empty()) continue;
    LL_RETURN_IF_ERROR(AddMatching(source, LabelsOf::kEntity, matcher, entities));
  }
  return entities;
}

}  // namespace leadline::collector::store::index
