#include "agent/cpu_governor.h"

#include <pthread.h>

#include <limits>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "agent/self_metrics.h"
#include "common/status_text.h"

namespace leadline::agent {
namespace {

prometheus::Gauge& AddOwnGauge(prometheus::Registry& registry, const char* name, const char* help,
                               const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

constexpr char kCoresName[] = "leadline_agent_cpu_cores";
constexpr char kCoresHelp[] =
    "CPUs that the agent takes, as last measured: its process, and its programs in the kernel.";

}  // namespace

CpuGovernor::CpuGovernor(Options options, prometheus::Registry& registry)
    : options_(std::move(options)),
      meter_(SystemClock(), options_.run_time_ns),
      governor_(
          options_.limit_cpus > 0 ? options_.limit_cpus : std::numeric_limits<double>::infinity(),
          static_cast<int>(SheddingSteps().size()) - 1),
      process_cores_(AddOwnGauge(registry, kCoresName, kCoresHelp, {{"of", "process"}})),
      program_cores_(AddOwnGauge(registry, kCoresName, kCoresHelp, {{"of", "programs"}})),
      step_(AddOwnGauge(registry, "leadline_agent_shedding_step",
                        "How much is given up to keep to --max-cpu: 0 for nothing.")),
      step_since_(AddOwnGauge(registry, "leadline_agent_shedding_step_timestamp_seconds",
                              "When that step was taken, Unix time; 0 when none was yet.")),
      shedding_s_(MakeCounter(registry, "leadline_agent_shedding_seconds_total",
                              "How long something was given up to keep to --max-cpu.")) {
  AddOwnGauge(registry, "leadline_agent_cpu_limit_cores",
              "CPUs that the agent may take (--max-cpu); 0 for as many as it likes.")
      .Set(options_.limit_cpus);
  for (const GivenUp& part : WhatCanBeGivenUp()) {
    given_up_.push_back(&AddOwnGauge(registry, "leadline_agent_given_up_ratio",
                                     "How much is given up to keep to --max-cpu, from 0 to 1.",
                                     {{"what", std::string(part.what)}}));
  }
  thread_ = std::thread([this] { Work(); });
}

CpuGovernor::~CpuGovernor() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool CpuGovernor::Wait(absl::Duration duration) {
  const absl::Time until = SteadyNow() + duration;
  MutexLock lock(mutex_);
  while (!stopping_ && SteadyNow() < until) changed_.WaitFor(mutex_, until - SteadyNow());
  return !stopping_;
}

void CpuGovernor::Work() {
  pthread_setname_np(pthread_self(), "governor");
  bool refused = false;
  while (Wait(options_.every - options_.window)) {
    const absl::Status begun = meter_.Begin();
    if (!begun.ok() && !std::exchange(refused, true)) {
      spdlog::warn("the probes' part of --max-cpu is not known: {}", StatusMessage(begun));
    }
    if (!Wait(options_.window)) return;
    Measured(meter_.End());
  }
}

void CpuGovernor::Measured(const CpuUse& use) {
  process_cores_.Set(use.process);
  program_cores_.Set(use.programs);
  const int before = governor_.step();
  if (before > 0) shedding_s_.Increment(absl::ToDoubleSeconds(options_.every));
  const int step = governor_.Update(use.all());
  if (step != before) Tell(use, step > before);
  if (step != before || !applied_) Apply();
}

void CpuGovernor::Tell(const CpuUse& use, bool is_more) {
  const auto step = static_cast<size_t>(governor_.step());
  spdlog::log(is_more ? spdlog::level::warn : spdlog::level::info,
              "{:.3f} CPUs used of {:.3f} (--max-cpu), {:.3f} of them by programs in the kernel; "
              "step {} of {}: {}",
              use.all(), options_.limit_cpus, use.programs, step, SheddingSteps().size() - 1,
              SheddingSteps()[step].text);
  step_.Set(governor_.step());
  step_since_.Set(static_cast<double>(SystemClock().NowUnixMs()) / 1000);
}

void CpuGovernor::Apply() {
  const probes::Effort& effort = SheddingSteps()[static_cast<size_t>(governor_.step())].effort;
  const absl::Status applied = options_.apply(effort);
  applied_ = applied.ok();
  if (!applied_) spdlog::error("--max-cpu: {}", StatusMessage(applied));
  for (size_t i = 0; i < given_up_.size(); ++i) {
    given_up_[i]->Set(WhatCanBeGivenUp()[i].share(effort));
  }
}

}  // namespace leadline::agent
