// One group: its rules are evaluated in their order, each sees what those before it gave. What a
// rule gives is durable before the next one runs; series that it gave the time before and gives no
// more are closed by a staleness marker.
//
// A rule that fails gives nothing and closes nothing; the others of its group run all the same.
// Alerting rules are not evaluated; their status says so. Threading: any thread, one evaluation at
// a time; Status does not wait for one. The engine, the store and the clock outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"

#include "collector/promql/engine.h"
#include "collector/rules/appender.h"
#include "collector/rules/file/rule_file.h"
#include "collector/rules/rule_metrics.h"
#include "collector/rules/rule_status.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace leadline::collector::rules {

struct Surroundings {
  const promql::Engine* engine = nullptr;
  const Appender* appender = nullptr;
  const Clock* clock = nullptr;
  RuleMetrics* metrics = nullptr;
  std::string tenant;
  absl::Duration interval;      // of groups that name none
  absl::Duration query_offset;  // the same
  const std::atomic<bool>* stopping = nullptr;
};

class GroupRunner {
 public:
  // `metrics`: of the group of this name that was there before, or nullptr.
  GroupRunner(const Surroundings& surroundings, std::string file, Group group,
              std::shared_ptr<GroupMetrics> metrics);

  const std::string& file() const { return file_; }
  const std::string& name() const { return group_.name; }
  int64_t interval_ms() const { return interval_ms_; }

  // The first time after `ts_ms`, which is after 1970, that is its turn. Groups are spread over
  // their interval by their names, so that they do not all run at once, and keep their places
  // through restarts.
  int64_t NextAfter(int64_t ts_ms) const;

  // All rules at one time.
  void Evaluate(int64_t ts_ms);
  // Turns that were not taken, because the one before took too long.
  void CountMissed(int64_t turns);

  // Goes on where another group of the same name was, rule by rule; of rules that are no more,
  // series are closed at ts_ms. That one is not to be used any more.
  void TakeOver(GroupRunner& other, int64_t ts_ms);
  // Closes all series.
  void Close(int64_t ts_ms);

  GroupStatus Status() const;
  const std::shared_ptr<GroupMetrics>& metrics() const { return metrics_; }

 private:
  using SeriesSet = absl::flat_hash_set<LabelSet>;

  void EvaluateRule(size_t index, int64_t ts_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(running_);
  absl::Status RecordRule(size_t index, int64_t ts_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(running_);
  void CloseSeries(const SeriesSet& series, int64_t ts_ms) const;

  const Surroundings surroundings_;
  const std::string file_;
  const Group group_;
  const int64_t interval_ms_;
  const int64_t query_offset_ms_;
  const int64_t phase_ms_;  // in its interval
  const std::shared_ptr<GroupMetrics> metrics_;

  Mutex running_;
  std::vector<SeriesSet> given_ ABSL_GUARDED_BY(running_);  // by rule, the last time
  uint64_t samples_ ABSL_GUARDED_BY(running_) = 0;          // of this evaluation

  mutable Mutex mutex_;
  GroupStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::rules
