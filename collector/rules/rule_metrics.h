// The rules' self-metrics: those of Prometheus' rule manager, under our prefix. A group is labelled
// FILE;NAME, as there.
#pragma once

#include <string>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace leadline::collector::rules {

struct RuleMetrics {
  explicit RuleMetrics(prometheus::Registry& registry);

  prometheus::Histogram& evaluation_seconds;  // of a rule
  prometheus::Histogram& group_seconds;       // of all rules of a group
  prometheus::Gauge& reload_successful;       // 1, or 0 when the last one failed
  prometheus::Gauge& reload_seconds;          // Unix time of the last that did not fail
  prometheus::Gauge& alerting_rules;          // which are not evaluated
  prometheus::Family<prometheus::Counter>& evaluations;
  prometheus::Family<prometheus::Counter>& failures;
  prometheus::Family<prometheus::Counter>& iterations;
  prometheus::Family<prometheus::Counter>& missed_iterations;
  prometheus::Family<prometheus::Gauge>& interval_seconds;
  prometheus::Family<prometheus::Gauge>& rules;
  prometheus::Family<prometheus::Gauge>& last_duration_seconds;
  prometheus::Family<prometheus::Gauge>& last_evaluation;
  prometheus::Family<prometheus::Gauge>& last_samples;
};

// Those of one group, there as long as this is. Counters of a group that comes back go on from 0.
class GroupMetrics {
 public:
  GroupMetrics(RuleMetrics& all, const std::string& group);
  ~GroupMetrics();
  GroupMetrics(const GroupMetrics&) = delete;
  GroupMetrics& operator=(const GroupMetrics&) = delete;

 private:
  RuleMetrics& all_;

 public:
  prometheus::Counter& evaluations;
  prometheus::Counter& failures;
  prometheus::Counter& iterations;
  prometheus::Counter& missed_iterations;
  prometheus::Gauge& interval_seconds;
  prometheus::Gauge& rules;
  prometheus::Gauge& last_duration_seconds;
  prometheus::Gauge& last_evaluation;
  prometheus::Gauge& last_samples;
};

}  // namespace leadline::collector::rules
