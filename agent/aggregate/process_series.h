// CPU, memory and threads of processes as series under OpenTelemetry's names, and their system
// calls by class.
//
// What is read in /proc and what the kernel counted were read one after the other, while threads
// ended: no counter is ever given less than before. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/probes/process_totals.h"
#include "agent/source/processes.h"

namespace leadline::agent::aggregate {

// A process at one time.
struct ProcessFigures {
  const source::ProcessStat* stat = nullptr;      // nullptr of one that has ended
  std::optional<uint64_t> threads_run_delay_ns;   // of the threads that live
  const probes::ProcessTotals* totals = nullptr;  // nullptr where the kernel has counted nothing
};

class ProcessSeries {
 public:
  // `counted` is the subject of what the kernel counts; its entity and time are those of `subject`.
  void Record(const Subject& subject, const Subject& counted, const ProcessFigures& figures,
              Recorder& recorder);

  void Forget(EntityRef process) { processes_.erase(process); }

 private:
  struct Counter {
    uint64_t value = 0;
    SeriesSlot slot;

    // The greater of what it was and `now`.
    uint64_t Raise(uint64_t now);
  };
  struct Class {
    Counter calls;
    Counter errors;
    Counter time_ns;
  };
  struct Process {
    Counter user_ns;
    Counter system_ns;
    Counter run_delay_ns;
    SeriesSlot resident;
    SeriesSlot threads;
    std::array<Class, SYSCALL_CLASS_COUNT> classes;
  };

  static void RecordCpu(Process& process, const Subject& subject, const ProcessFigures& figures,
                        Recorder& recorder);
  static void RecordSyscalls(Process& process, const Subject& subject,
                             const probes::ProcessTotals& totals, Recorder& recorder);

  absl::flat_hash_map<EntityRef, Process> processes_;
};

// The scheduler's CPU time of an ended process, divided as the timer's ticks divide it: what
// /proc/PID/stat would have had, see cputime_adjust in kernel/sched/cputime.c of Linux.
struct CpuTime {
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
};
CpuTime DivideCpuTime(const probes::ProcessTotals& ended);

}  // namespace leadline::agent::aggregate
