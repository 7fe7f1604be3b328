// The rules of the collector: reads the rule files, evaluates each group in its turn, reads the
// files again when it is told to.
//
// Errors: Open and Reload give INVALID_ARGUMENT, a line a problem, FILE:LINE: what; after a Reload
// that fails the rules are those from before. Threading: any thread. A few threads evaluate groups,
// each group on one at a time; a turn that comes while the one before lasts is missed and counted.
// The store and the clock outlive it. Source: Prometheus' rules/manager.go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/promql/engine.h"
#include "collector/rules/rule_status.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "prometheus/registry.h"

namespace leadline::collector::rules {

struct ManagerOptions {
  std::vector<std::string> files;  // names, or patterns as of a shell
  absl::Duration interval = absl::Minutes(1);
  absl::Duration query_offset = absl::ZeroDuration();
  std::string tenant = "default";
  promql::EngineOptions engine;
  prometheus::Registry* registry = nullptr;  // required
  const Clock* clock = &SystemClock();
  int threads = 2;  // 0: nothing is evaluated but by RunDue
};

class RuleManager {
 public:
  static absl::StatusOr<std::unique_ptr<RuleManager>> Open(store::Store& store,
                                                           const ManagerOptions& options);
  // INVALID_ARGUMENT where Open would say so of the files.
  static absl::Status Check(const std::vector<std::string>& files);
  // Ends evaluations that are under way; series stay open.
  ~RuleManager();

  absl::Status Reload();

  // Evaluates every group whose turn has come, here.
  void RunDue();

  // In the order of files and groups.
  std::vector<GroupStatus> Status() const;

 private:
  class Impl;
  explicit RuleManager(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::collector::rules
