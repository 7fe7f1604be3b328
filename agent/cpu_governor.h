// Holds the agent to its share of the CPUs: measures what it takes, and gives up by SheddingSteps
// what is too much.
//
// - leadline_agent_cpu_cores{of}: what it takes, as last measured, of the process and the programs
// - leadline_agent_cpu_limit_cores: what it may take; 0 for as much as it likes
// - leadline_agent_shedding_step: 0 when all is done
// - leadline_agent_shedding_step_timestamp_seconds: since when, Unix time; 0 when none was taken
// - leadline_agent_shedding_seconds_total: how long not all was done
// - leadline_agent_given_up_ratio{what}: of what can be given up, how much is
//
// A step is logged. The thread measures all the time, the kernel's part for a while every few
// seconds. Threading: from its start to its destruction on a thread of its own; `apply` is called
// there.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

#include "agent/cpu_meter.h"
#include "agent/governor.h"
#include "agent/shedding.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class CpuGovernor {
 public:
  struct Options {
    double limit_cpus = 0;  // 0: measures only
    absl::Duration every = absl::Seconds(2);
    absl::Duration window = absl::Milliseconds(100);  // of that the kernel's part is measured
    std::function<uint64_t()> run_time_ns;
    // Where it fails it is called again.
    std::function<absl::Status(const probes::Effort& effort)> apply;
  };

  // The registry and what the functions use outlive it.
  CpuGovernor(Options options, prometheus::Registry& registry);
  ~CpuGovernor();

 private:
  void Work();
  // Waits; false when it is to end.
  bool Wait(absl::Duration duration);
  void Measured(const CpuUse& use);
  void Tell(const CpuUse& use, bool is_more);
  void Apply();

  const Options options_;
  CpuMeter meter_;
  Governor governor_;
  bool applied_ = true;
  prometheus::Gauge& process_cores_;
  prometheus::Gauge& program_cores_;
  prometheus::Gauge& step_;
  prometheus::Gauge& step_since_;
  prometheus::Counter& shedding_s_;
  std::vector<prometheus::Gauge*> given_up_;  // by WhatCanBeGivenUp
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace leadline::agent
