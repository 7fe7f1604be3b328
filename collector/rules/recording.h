// One evaluation of a recording rule: a query at one time -> the samples to be kept.
//
// Errors: those of the engine; INVALID_ARGUMENT where the result is no vector and no scalar;
// FAILED_PRECONDITION where two of its series have equal labels once the rule's are set, and where
// a native histogram has counts that are not whole, which the store does not keep;
// RESOURCE_EXHAUSTED above the group's limit. Then nothing of the rule is kept, as in Prometheus.
// Any thread. Source: Prometheus' rules/recording.go.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/model/sample.h"
#include "collector/promql/engine.h"
#include "collector/rules/file/rule_file.h"
#include "common/labels.h"

namespace leadline::collector::rules {

struct Recorded {
  LabelSet labels;  // with __name__
  double value = 0;
  std::optional<model::NativeHistogram> histogram;  // instead of the value
};

// The rule's labels, and those of its group that it does not set, replace those of the result.
absl::StatusOr<std::vector<Recorded>> EvaluateRecording(const promql::Engine& engine,
                                                        std::string_view tenant, const Rule& rule,
                                                        const Group& group, int64_t ts_ms,
                                                        const std::atomic<bool>* cancelled);

}  // namespace leadline::collector::rules
