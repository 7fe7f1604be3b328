// What there is to say about the rules: for /api/v1/rules. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "collector/rules/file/rule_file.h"

namespace leadline::collector::rules {

inline constexpr int64_t kNever = 0;

struct RuleStatus {
  enum class Health : uint8_t { kUnknown, kOk, kError };
  Rule rule;
  std::string query;  // as it was understood
  LabelSet labels;    // the rule's, and those of its group that it has not
  Health health = Health::kUnknown;
  std::string last_error;
  absl::Duration evaluation_time = absl::ZeroDuration();
  int64_t last_evaluation_ms = kNever;
};

struct GroupStatus {
  std::string file;
  std::string name;
  absl::Duration interval = absl::ZeroDuration();
  uint64_t limit = 0;
  absl::Duration evaluation_time = absl::ZeroDuration();
  int64_t last_evaluation_ms = kNever;
  std::vector<RuleStatus> rules;
};

}  // namespace leadline::collector::rules
