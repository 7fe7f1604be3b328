// A file of rules, in Prometheus' format:
//
//   groups:
//     - name: by namespace
//       interval: 1m
//       rules:
//         - record: namespace:container_cpu_usage_seconds:rate5m
//           expr: sum by (namespace) (rate(container_cpu_usage_seconds_total[5m]))
//           labels: {source: rules}
//
// Alerting rules are read and checked too. Every problem is found in one go where YAML allows it,
// each with its line; a file with problems has no groups. Unknown keys are problems, as for
// Prometheus.
//
// Bounds: kMaxRuleFileBytes. Plain values; pure functions but for reading the file.
// Source: https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/config/yaml_text.h"
#include "common/labels.h"

namespace leadline::collector::rules {

inline constexpr size_t kMaxRuleFileBytes = size_t{16} << 20;

struct Rule {
  enum class Kind : uint8_t { kRecording, kAlerting };
  Kind kind = Kind::kRecording;
  std::string name;  // of the metric, or of the alert
  std::string expr;  // which parses
  // Sorted by name. One with an empty value takes the label off the result.
  std::vector<Label> labels;
  int line = 0;  // where it begins
  // Of alerting rules.
  absl::Duration hold = absl::ZeroDuration();  // "for"
  absl::Duration keep_firing_for = absl::ZeroDuration();
  LabelSet annotations;
};

struct Group {
  std::string name;
  std::optional<absl::Duration> interval;      // above 0; else the program's
  std::optional<absl::Duration> query_offset;  // else the program's
  uint64_t limit = 0;                          // series that a rule may give; 0: any number
  std::vector<Label> labels;                   // as above, of rules that do not set them
  std::vector<Rule> rules;
  int line = 0;
};

struct RuleFile {
  std::vector<Group> groups;
  std::vector<config::Problem> problems;  // in the order in which they were found
};

RuleFile ParseRules(const std::string& text);

// As ParseRules; a file that cannot be read is a problem of the file as a whole.
RuleFile ReadRules(const std::string& path);

// "FILE:LINE: what", "FILE: what" where no line is to blame.
std::string Text(const std::string& path, const config::Problem& problem);

}  // namespace leadline::collector::rules
