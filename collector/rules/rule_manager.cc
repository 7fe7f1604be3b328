#include "collector/rules/rule_manager.h"

#include <glob.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/rules/appender.h"
#include "collector/rules/file/rule_file.h"
#include "collector/rules/group_runner.h"
#include "collector/rules/rule_metrics.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace leadline::collector::rules {
namespace {

// How long a thread may take to see that the clock was set.
constexpr absl::Duration kLookAtClock = absl::Seconds(1);

// The files of a pattern, sorted. A name without wildcards is there whether or not the file is, so
// that reading it says what is wrong; a pattern may have none.
std::vector<std::string> FilesOf(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found;
  std::vector<std::string> files;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  if (files.empty()) spdlog::warn("no rule file is found pattern={}", pattern);
  return files;
}

struct Loaded {
  std::vector<std::pair<std::string, Group>> groups;  // with their files
  size_t alerting_rules = 0;
};

absl::StatusOr<Loaded> Load(const std::vector<std::string>& patterns) {
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    for (std::string& file : FilesOf(pattern)) {
      if (std::find(files.begin(), files.end(), file) == files.end()) {
        files.push_back(std::move(file));
      }
    }
  }
  Loaded loaded;
  std::vector<std::string> problems;
  for (const std::string& file : files) {
    RuleFile read = ReadRules(file);
    for (const config::Problem& problem : read.problems) problems.push_back(Text(file, problem));
    for (Group& group : read.groups) {
      for (const Rule& rule : group.rules) {
        if (rule.kind == Rule::Kind::kAlerting) ++loaded.alerting_rules;
      }
      loaded.groups.emplace_back(file, std::move(group));
    }
  }
  if (!problems.empty()) {
    return absl::InvalidArgumentError(fmt::format("{}", fmt::join(problems, "\n")));
  }
  return loaded;
}

}  // namespace

class RuleManager::Impl {
 public:
  Impl(store::Store& store, const ManagerOptions& options)
      : options_(options),
        engine_(store.queryable(), options.engine),
        appender_(store, options.tenant),
        metrics_(*options.registry) {}

  ~Impl() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  void StartThreads() {
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back(&Impl::Run, this);
  }

  absl::Status Reload() {
    absl::StatusOr<Loaded> loaded = Load(options_.files);
    metrics_.reload_successful.Set(loaded.ok() ? 1 : 0);
    LL_RETURN_IF_ERROR(loaded.status());
    metrics_.reload_seconds.Set(static_cast<double>(options_.clock->NowUnixMs()) / 1000);
    metrics_.alerting_rules.Set(static_cast<double>(loaded->alerting_rules));
    if (loaded->alerting_rules > 0) {
      spdlog::warn("{} alerting rules in the rule files are not evaluated", loaded->alerting_rules);
    }
    Replace(*std::move(loaded));
    return absl::OkStatus();
  }

  void RunDue() {
    while (true) {
      Turn* turn = nullptr;
      {
        MutexLock lock(mutex_);
        turn = TakeDue();
      }
      if (turn == nullptr) return;
      Finish(turn);
    }
  }

  std::vector<GroupStatus> Status() const {
    MutexLock lock(mutex_);
    std::vector<GroupStatus> all;
    for (const auto& turn : turns_) all.push_back(turn->group->Status());
    return all;
  }

 private:
  // A group and when it is its turn.
  struct Turn {
    std::unique_ptr<GroupRunner> group;
    int64_t next_ms = 0;
    bool runs = false;
  };

  int64_t Now() const { return options_.clock->NowUnixMs(); }

  // Waits for evaluations under way: the rules of a group never run twice at a time.
  void Replace(Loaded loaded) {
    const Surroundings surroundings{.engine = &engine_,
                                    .appender = &appender_,
                                    .clock = options_.clock,
                                    .metrics = &metrics_,
                                    .tenant = options_.tenant,
                                    .interval = options_.interval,
                                    .query_offset = options_.query_offset,
                                    .stopping = &stopping_};
    MutexLock lock(mutex_);
    replacing_ = true;
    while (AnyRuns()) changed_.Wait(mutex_);
    std::vector<std::unique_ptr<Turn>> before = std::exchange(turns_, {});
    const int64_t now_ms = Now();
    for (auto& [file, group] : loaded.groups) {
      auto old =
          std::find_if(before.begin(), before.end(), [&, &file = file, &group = group](auto& b) {
            return b->group->file() == file && b->group->name() == group.name;
          });
      const bool is_new = old == before.end();
      auto turn = std::make_unique<Turn>();
      turn->group = std::make_unique<GroupRunner>(surroundings, file, std::move(group),
                                                  is_new ? nullptr : (*old)->group->metrics());
      if (!is_new) {
        turn->group->TakeOver(*(*old)->group, now_ms);
        before.erase(old);
      }
      turn->next_ms = turn->group->NextAfter(now_ms - 1);
      turns_.push_back(std::move(turn));
    }
    for (const auto& gone : before) gone->group->Close(now_ms);
    replacing_ = false;
    changed_.NotifyAll();
  }

  bool AnyRuns() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return std::any_of(turns_.begin(), turns_.end(), [](const auto& turn) { return turn->runs; });
  }

  // The group that has waited longest, marked as running; nullptr when none is due.
  Turn* TakeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (replacing_ || stopping_) return nullptr;
    Turn* first = nullptr;
    for (const auto& turn : turns_) {
      if (!turn->runs && (first == nullptr || turn->next_ms < first->next_ms)) first = turn.get();
    }
    if (first == nullptr || first->next_ms > Now()) return nullptr;
    first->runs = true;
    return first;
  }

  void Finish(Turn* turn) ABSL_LOCKS_EXCLUDED(mutex_) {
    turn->group->Evaluate(turn->next_ms);
    MutexLock lock(mutex_);
    const int64_t expected_ms = turn->next_ms + turn->group->interval_ms();
    // Turns that have passed meanwhile are missed, but for the last of them.
    const int64_t latest_ms = turn->group->NextAfter(Now()) - turn->group->interval_ms();
    const int64_t missed =
        std::max<int64_t>(0, (latest_ms - expected_ms) / turn->group->interval_ms());
    if (missed > 0) turn->group->CountMissed(missed);
    turn->next_ms = expected_ms + missed * turn->group->interval_ms();
    // After the clock was set back the next turn is not far away either.
    turn->next_ms = std::min(turn->next_ms, turn->group->NextAfter(Now()));
    turn->runs = false;
    changed_.NotifyAll();
  }

  void Run() {
    while (true) {
      Turn* turn = nullptr;
      {
        MutexLock lock(mutex_);
        while (!stopping_ && (turn = TakeDue()) == nullptr) changed_.WaitFor(mutex_, UntilNext());
        if (stopping_) return;
      }
      Finish(turn);
    }
  }

  absl::Duration UntilNext() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    absl::Duration wait = kLookAtClock;
    for (const auto& turn : turns_) {
      if (!turn->runs) wait = std::min(wait, absl::Milliseconds(turn->next_ms - Now()));
    }
    return std::max(wait, absl::Milliseconds(1));
  }

  const ManagerOptions options_;
  const promql::Engine engine_;
  const Appender appender_;
  RuleMetrics metrics_;
  std::atomic<bool> stopping_ = false;
  mutable Mutex mutex_;
  CondVar changed_;
  bool replacing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Turn>> turns_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

RuleManager::RuleManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RuleManager::~RuleManager() = default;

absl::StatusOr<std::unique_ptr<RuleManager>> RuleManager::Open(store::Store& store,
                                                               const ManagerOptions& options) {
  auto impl = std::make_unique<Impl>(store, options);
  LL_RETURN_IF_ERROR(impl->Reload());
  impl->StartThreads();
  return std::unique_ptr<RuleManager>(new RuleManager(std::move(impl)));
}

absl::Status RuleManager::Check(const std::vector<std::string>& files) {
  return Load(files).status();
}

absl::Status RuleManager::Reload() { return impl_->Reload(); }
void RuleManager::RunDue() { impl_->RunDue(); }
std::vector<GroupStatus> RuleManager::Status() const { return impl_->Status(); }

}  // namespace leadline::collector::rules
