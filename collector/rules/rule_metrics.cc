#include "collector/rules/rule_metrics.h"

namespace leadline::collector::rules {
namespace {

const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60};

prometheus::Histogram& SecondsOf(prometheus::Registry& registry, const char* name,
                                 const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add({}, kSeconds);
}

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name,
                                                  const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& Gauges(prometheus::Registry& registry, const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

}  // namespace

RuleMetrics::RuleMetrics(prometheus::Registry& registry)
    : evaluation_seconds(SecondsOf(registry, "leadline_collector_rule_evaluation_duration_seconds",
                                   "Time that a rule took.")),
      group_seconds(SecondsOf(registry, "leadline_collector_rule_group_duration_seconds",
                              "Time that all rules of a group took.")),
      reload_successful(Gauges(registry, "leadline_collector_rule_last_reload_successful",
                               "Whether the rule files were read without errors the last time.")
                            .Add({})),
      reload_seconds(Gauges(registry,
                            "leadline_collector_rule_last_reload_success_timestamp_seconds",
                            "When the rule files were read without errors the last time.")
                         .Add({})),
      alerting_rules(Gauges(registry, "leadline_collector_rule_alerting_rules",
                            "Alerting rules in the rule files, which are not evaluated.")
                         .Add({})),
      evaluations(
          Counters(registry, "leadline_collector_rule_evaluations_total", "Rules evaluated.")),
      failures(Counters(registry, "leadline_collector_rule_evaluation_failures_total",
                        "Evaluations of rules that failed.")),
      iterations(Counters(registry, "leadline_collector_rule_group_iterations_total",
                          "Times that a group was to be evaluated.")),
      missed_iterations(Counters(registry, "leadline_collector_rule_group_iterations_missed_total",
                                 "Times that it was not, because the time before took too long.")),
      interval_seconds(Gauges(registry, "leadline_collector_rule_group_interval_seconds",
                              "Interval of a group.")),
      rules(Gauges(registry, "leadline_collector_rule_group_rules", "Rules of a group.")),
      last_duration_seconds(Gauges(registry, "leadline_collector_rule_group_last_duration_seconds",
                                   "Time that a group took the last time.")),
      last_evaluation(Gauges(registry,
                             "leadline_collector_rule_group_last_evaluation_timestamp_seconds",
                             "When a group was evaluated the last time.")),
      last_samples(Gauges(registry, "leadline_collector_rule_group_last_evaluation_samples",
                          "Samples that a group gave the last time.")) {}

GroupMetrics::GroupMetrics(RuleMetrics& all, const std::string& group)
    : all_(all),
      evaluations(all.evaluations.Add({{"rule_group", group}})),
      failures(all.failures.Add({{"rule_group", group}})),
      iterations(all.iterations.Add({{"rule_group", group}})),
      missed_iterations(all.missed_iterations.Add({{"rule_group", group}})),
      interval_seconds(all.interval_seconds.Add({{"rule_group", group}})),
      rules(all.rules.Add({{"rule_group", group}})),
      last_duration_seconds(all.last_duration_seconds.Add({{"rule_group", group}})),
      last_evaluation(all.last_evaluation.Add({{"rule_group", group}})),
      last_samples(all.last_samples.Add({{"rule_group", group}})) {}

GroupMetrics::~GroupMetrics() {
  all_.evaluations.Remove(&evaluations);
  all_.failures.Remove(&failures);
  all_.iterations.Remove(&iterations);
  all_.missed_iterations.Remove(&missed_iterations);
  all_.interval_seconds.Remove(&interval_seconds);
  all_.rules.Remove(&rules);
  all_.last_duration_seconds.Remove(&last_duration_seconds);
  all_.last_evaluation.Remove(&last_evaluation);
  all_.last_samples.Remove(&last_samples);
}

}  // namespace leadline::collector::rules
