#include "collector/rules/recording.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::rules {
namespace {

using Type = promql::QueryResult::Type;

// What the store keeps of histograms: no bucket below 0.
absl::Status CheckBuckets(const promql::Histogram& histogram, const LabelSet& labels) {
  for (const auto* buckets : {&histogram.positive, &histogram.negative}) {
    for (const promql::Histogram::Bucket& bucket : *buckets) {
      if (!(bucket.count < 0)) continue;
      return absl::FailedPreconditionError(
          fmt::format("{} is a native histogram with a bucket of {} observations, where they must "
                      "not be negative",
                      labels.ToString(), bucket.count));
    }
  }
  return absl::OkStatus();
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
    const promql::Histogram& histogram = *series.histograms.front();
    LL_RETURN_IF_ERROR(CheckBuckets(histogram, recorded.labels));
    recorded.histogram = histogram.ToModel();
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
