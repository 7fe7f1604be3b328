#include "collector/rules/recording.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::rules {
namespace {

using Type = promql::QueryResult::Type;

bool ToCount(double count, uint64_t& whole) {
  if (!(count >= 0 && count <= 0x1p63) || count != std::floor(count)) return false;
  whole = static_cast<uint64_t>(count);
  return true;
}

bool ToBuckets(const std::vector<promql::Histogram::Bucket>& from,
               std::vector<model::NativeHistogram::Bucket>& to) {
  for (const auto& bucket : from) {
    if (bucket.count == 0) continue;
    to.push_back({.index = bucket.index});
    if (!ToCount(bucket.count, to.back().count)) return false;
  }
  return true;
}

absl::StatusOr<model::NativeHistogram> ToModel(const promql::Histogram& from) {
  model::NativeHistogram to;
  to.schema = from.schema;
  to.zero_threshold = from.zero_threshold;
  to.sum = from.sum;
  to.reset_hint = from.reset_hint;
  to.custom_bounds = from.custom_bounds;
  if (!ToCount(from.zero_count, to.zero_count) || !ToCount(from.count, to.count) ||
      !ToBuckets(from.positive, to.positive) || !ToBuckets(from.negative, to.negative)) {
    return absl::FailedPreconditionError(
        "the result has a native histogram with counts that are not whole numbers, which the store "
        "does not keep");
  }
  return to;
}

LabelSet WithLabels(LabelSet labels, const Rule& rule, const Group& group) {
  labels.Set(kMetricName, rule.name);
  for (const Label& label : group.labels) labels.Set(label.name, label.value);
  for (const Label& label : rule.labels) labels.Set(label.name, label.value);
  return labels;
}

absl::StatusOr<Recorded> ToRecorded(promql::ResultSeries& series, const Rule& rule,
                                    const Group& group) {
  Recorded recorded{.labels = WithLabels(std::move(series.labels), rule, group)};
  if (!series.values.empty()) {
    recorded.value = series.values.front();
  } else if (!series.histograms.empty()) {
    LL_ASSIGN_OR_RETURN(recorded.histogram, ToModel(*series.histograms.front()));
  }
  return recorded;
}

}  // namespace

absl::StatusOr<std::vector<Recorded>> EvaluateRecording(const promql::Engine& engine,
                                                        std::string_view tenant, const Rule& rule,
                                                        const Group& group, int64_t ts_ms,
                                                        const std::atomic<bool>* cancelled) {
  LL_ASSIGN_OR_RETURN(promql::QueryResult result,
                      engine.Instant(tenant, rule.expr, ts_ms, {.cancelled = cancelled}));
  std::vector<Recorded> all;
  if (result.type == Type::kScalar) {
    all.push_back({.labels = WithLabels({}, rule, group), .value = result.scalar});
  } else if (result.type != Type::kVector) {
    return absl::InvalidArgumentError("rule result is not a vector or scalar");
  }
  absl::flat_hash_set<LabelSet> seen;
  for (promql::ResultSeries& series : result.series) {
    LL_ASSIGN_OR_RETURN(Recorded recorded, ToRecorded(series, rule, group));
    if (!seen.insert(recorded.labels).second) {
      return absl::FailedPreconditionError(
          "vector contains metrics with the same labelset after applying rule labels: " +
          recorded.labels.ToString());
    }
    all.push_back(std::move(recorded));
  }
  if (group.limit > 0 && all.size() > group.limit) {
    return absl::ResourceExhaustedError(
        fmt::format("exceeded limit of {} with {} series", group.limit, all.size()));
  }
  return all;
}

}  // namespace leadline::collector::rules
