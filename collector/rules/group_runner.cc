#include "collector/rules/group_runner.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "collector/promql/parse/parser.h"
#include "collector/promql/parse/print.h"
#include "common/id128.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::rules {
namespace {

constexpr char kNotEvaluated[] = "alerting rules are not evaluated";

int64_t MillisecondsOr(const std::optional<absl::Duration>& own, absl::Duration otherwise) {
  return absl::ToInt64Milliseconds(own.value_or(otherwise));
}

RuleStatus FirstStatus(const Rule& rule, const Group& group) {
  RuleStatus status{.rule = rule, .query = rule.expr, .labels = LabelSet(group.labels)};
  for (const Label& label : rule.labels) status.labels.Set(label.name, label.value);
  if (const auto parsed = promql::parse::Parse(rule.expr); parsed.ok()) {
    status.query = promql::parse::Print(**parsed);
  }
  if (rule.kind == Rule::Kind::kAlerting) status.last_error = kNotEvaluated;
  return status;
}

absl::Duration Since(const Clock& clock, int64_t begin_ns) {
  return absl::Nanoseconds(clock.NowMonoNs() - begin_ns);
}

}  // namespace

GroupRunner::GroupRunner(const Surroundings& surroundings, std::string file, Group group,
                         std::shared_ptr<GroupMetrics> metrics)
    : surroundings_(surroundings),
      file_(std::move(file)),
      group_(std::move(group)),
      interval_ms_(MillisecondsOr(group_.interval, surroundings.interval)),
      query_offset_ms_(MillisecondsOr(group_.query_offset, surroundings.query_offset)),
      phase_ms_(static_cast<int64_t>(HashId({file_, group_.name}).low %
                                     static_cast<uint64_t>(interval_ms_))),
      metrics_(metrics ? std::move(metrics)
                       : std::make_shared<GroupMetrics>(*surroundings.metrics,
                                                        file_ + ";" + group_.name)) {
  given_.resize(group_.rules.size());
  status_ = {.file = file_,
             .name = group_.name,
             .interval = absl::Milliseconds(interval_ms_),
             .limit = group_.limit};
  for (const Rule& rule : group_.rules) status_.rules.push_back(FirstStatus(rule, group_));
  metrics_->interval_seconds.Set(absl::ToDoubleSeconds(status_.interval));
  metrics_->rules.Set(static_cast<double>(group_.rules.size()));
}

int64_t GroupRunner::NextAfter(int64_t ts_ms) const {
  return phase_ms_ + ((ts_ms - phase_ms_) / interval_ms_ + 1) * interval_ms_;
}

void GroupRunner::CountMissed(int64_t turns) {
  metrics_->iterations.Increment(static_cast<double>(turns));
  metrics_->missed_iterations.Increment(static_cast<double>(turns));
}

void GroupRunner::Evaluate(int64_t ts_ms) {
  MutexLock running(running_);
  metrics_->iterations.Increment();
  samples_ = 0;
  const int64_t begin_ns = surroundings_.clock->NowMonoNs();
  for (size_t i = 0; i < group_.rules.size(); ++i) {
    if (*surroundings_.stopping) return;
    if (group_.rules[i].kind == Rule::Kind::kRecording) EvaluateRule(i, ts_ms);
  }
  const absl::Duration took = Since(*surroundings_.clock, begin_ns);
  surroundings_.metrics->group_seconds.Observe(absl::ToDoubleSeconds(took));
  metrics_->last_duration_seconds.Set(absl::ToDoubleSeconds(took));
  metrics_->last_evaluation.Set(static_cast<double>(ts_ms) / 1000);
  metrics_->last_samples.Set(static_cast<double>(samples_));
  MutexLock lock(mutex_);
  status_.evaluation_time = took;
  status_.last_evaluation_ms = ts_ms;
}

void GroupRunner::EvaluateRule(size_t index, int64_t ts_ms) {
  metrics_->evaluations.Increment();
  const int64_t begin_ns = surroundings_.clock->NowMonoNs();
  const absl::Status status = RecordRule(index, ts_ms - query_offset_ms_);
  if (!status.ok() && *surroundings_.stopping) return;  // it was ended by us
  const absl::Duration took = Since(*surroundings_.clock, begin_ns);
  surroundings_.metrics->evaluation_seconds.Observe(absl::ToDoubleSeconds(took));
  if (!status.ok()) {
    metrics_->failures.Increment();
    const Rule& rule = group_.rules[index];
    spdlog::warn("{}:{}: rule \"{}\" of group \"{}\": {}", file_, rule.line, rule.name, group_.name,
                 StatusMessage(status));
  }
  MutexLock lock(mutex_);
  RuleStatus& told = status_.rules[index];
  told.health = status.ok() ? RuleStatus::Health::kOk : RuleStatus::Health::kError;
  told.last_error = StatusMessage(status);
  told.evaluation_time = took;
  told.last_evaluation_ms = ts_ms;
}

absl::Status GroupRunner::RecordRule(size_t index, int64_t ts_ms) {
  LL_ASSIGN_OR_RETURN(
      const std::vector<Recorded> samples,
      EvaluateRecording(*surroundings_.engine, surroundings_.tenant, group_.rules[index], group_,
                        ts_ms, surroundings_.stopping));
  SeriesSet given;
  for (const Recorded& sample : samples) given.insert(sample.labels);
  std::vector<LabelSet> ended;
  for (const LabelSet& labels : given_[index]) {
    if (!given.contains(labels)) ended.push_back(labels);
  }
  LL_RETURN_IF_ERROR(surroundings_.appender->Append(ts_ms, samples, ended));
  given_[index] = std::move(given);
  samples_ += samples.size();
  return absl::OkStatus();
}

void GroupRunner::CloseSeries(const SeriesSet& series, int64_t ts_ms) const {
  const std::vector<LabelSet> ended(series.begin(), series.end());
  const absl::Status status = surroundings_.appender->Append(ts_ms - query_offset_ms_, {}, ended);
  if (status.ok()) return;
  spdlog::warn("{}: group \"{}\": {} series are not closed: {}", file_, group_.name, ended.size(),
               StatusMessage(status));
}

void GroupRunner::TakeOver(GroupRunner& other, int64_t ts_ms) {
  MutexLock theirs(other.running_);
  MutexLock ours(running_);
  for (size_t j = 0; j < other.group_.rules.size(); ++j) {
    const Rule& rule = other.group_.rules[j];
    bool goes_on = false;
    for (size_t i = 0; i < group_.rules.size() && !goes_on; ++i) {
      const Rule& mine = group_.rules[i];
      if (mine.kind != rule.kind || mine.name != rule.name || mine.labels != rule.labels ||
          !given_[i].empty()) {
        continue;
      }
      goes_on = true;
      given_[i] = std::move(other.given_[j]);
      MutexLock lock(mutex_);
      MutexLock their_lock(other.mutex_);
      RuleStatus& told = status_.rules[i];
      const RuleStatus& before = other.status_.rules[j];
      told.health = before.health;
      told.last_error = before.last_error;
      told.evaluation_time = before.evaluation_time;
      told.last_evaluation_ms = before.last_evaluation_ms;
    }
    if (!goes_on) other.CloseSeries(other.given_[j], ts_ms);
    other.given_[j].clear();
  }
}

void GroupRunner::Close(int64_t ts_ms) {
  MutexLock running(running_);
  for (SeriesSet& given : given_) {
    CloseSeries(given, ts_ms);
    given.clear();
  }
}

GroupStatus GroupRunner::Status() const {
  MutexLock lock(mutex_);
  return status_;
}

}  // namespace leadline::collector::rules
