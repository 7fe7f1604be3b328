// What the agent takes of the CPUs: its threads all the time, its programs in the kernel while the
// kernel measures them.
//
// To measure a run of a program costs two readings of the clock, some 50 ns, so they are measured
// for a while only (BPF_ENABLE_STATS), from Begin to End. Errors: where the kernel refuses to,
// programs count as 0 and the status says why. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

#include "common/clock.h"
#include "common/fd.h"

namespace leadline::agent {

struct CpuUse {
  double process = 0;   // CPUs, of the agent's threads, user space and system
  double programs = 0;  // CPUs, of its programs in the kernel

  double all() const { return process + programs; }
};

class CpuMeter {
 public:
  // `run_time_ns`: see Probes::RunTimeNs. The clock outlives it.
  CpuMeter(const Clock& clock, std::function<uint64_t()> run_time_ns);

  // The kernel measures programs from here on.
  absl::Status Begin();
  // No longer. What was used: by the process since the last End, by programs since Begin.
  CpuUse End();

 private:
  const Clock& clock_;
  const std::function<uint64_t()> run_time_ns_;
  Fd measuring_;
  uint64_t program_ns_ = 0;
  int64_t begin_ns_ = 0;
  int64_t process_cpu_ns_ = 0;
  int64_t end_ns_ = 0;
};

}  // namespace leadline::agent
