#include "agent/aggregate/process_series.h"

#include <algorithm>

#include "agent/probes/syscall_classes.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;

constexpr double kNsPerS = 1e9;

double Seconds(uint64_t ns) { return static_cast<double>(ns) / kNsPerS; }

// Of all classes, by their numbers.
const std::array<LabelSet, SYSCALL_CLASS_COUNT>& ClassLabels() {
  static const auto& labels = *[] {
    auto* all = new std::array<LabelSet, SYSCALL_CLASS_COUNT>;
    for (const probes::SyscallClassRow& row : probes::SyscallClasses()) {
      (*all)[row.id].Set("class", std::string(row.label));
    }
    return all;
  }();
  return labels;
}

}  // namespace

uint64_t ProcessSeries::Counter::Raise(uint64_t now) { return value = std::max(value, now); }

CpuTime DivideCpuTime(const probes::ProcessTotals& ended) {
  const uint64_t by_ticks = ended.user_ns + ended.system_ns;
  if (by_ticks == 0) return {.user_ns = ended.cpu_ns};
  const double system_share = static_cast<double>(ended.system_ns) / static_cast<double>(by_ticks);
  const auto system_ns = static_cast<uint64_t>(static_cast<double>(ended.cpu_ns) * system_share);
  return {.user_ns = ended.cpu_ns - system_ns, .system_ns = system_ns};
}

void ProcessSeries::Record(const Subject& subject, const Subject& counted,
                           const ProcessFigures& figures, Recorder& recorder) {
  Process& process = processes_[subject.entity];
  RecordCpu(process, subject, figures, recorder);
  if (figures.stat != nullptr) {
    recorder.Add(process.resident, Metric::kProcessMemoryUsage, subject,
                 figures.stat->resident_bytes);
    recorder.Add(process.threads, Metric::kProcessThreadCount, subject,
                 uint64_t{figures.stat->threads});
  }
  if (figures.totals != nullptr) RecordSyscalls(process, counted, *figures.totals, recorder);
}

void ProcessSeries::RecordCpu(Process& process, const Subject& subject,
                              const ProcessFigures& figures, Recorder& recorder) {
  static const LabelSet user_mode = {{"cpu_mode", "user"}};
  static const LabelSet system_mode = {{"cpu_mode", "system"}};
  const CpuTime used = figures.stat != nullptr
                           ? CpuTime{figures.stat->user_ns, figures.stat->system_ns}
                       : figures.totals != nullptr ? DivideCpuTime(*figures.totals)
                                                   : CpuTime{};
  recorder.Add(process.user_ns.slot, Metric::kProcessCpuTime, subject,
               Seconds(process.user_ns.Raise(used.user_ns)), user_mode);
  recorder.Add(process.system_ns.slot, Metric::kProcessCpuTime, subject,
               Seconds(process.system_ns.Raise(used.system_ns)), system_mode);

  const bool has_ended = figures.stat == nullptr && figures.totals != nullptr;
  if (!figures.threads_run_delay_ns && !has_ended) return;
  uint64_t run_delay_ns = figures.threads_run_delay_ns.value_or(0);
  if (figures.totals != nullptr) run_delay_ns += figures.totals->run_delay_ns;
  recorder.Add(process.run_delay_ns.slot, Metric::kProcessRunDelay, subject,
               Seconds(process.run_delay_ns.Raise(run_delay_ns)));
}

void ProcessSeries::RecordSyscalls(Process& process, const Subject& subject,
                                   const probes::ProcessTotals& totals, Recorder& recorder) {
  for (size_t i = 0; i < totals.classes.size(); ++i) {
    const probes::ProcessTotals::Class& now = totals.classes[i];
    Class& series = process.classes[i];
    const LabelSet& labels = ClassLabels()[i];
    const uint64_t calls = series.calls.Raise(now.calls);
    if (calls == 0) continue;
    recorder.Add(series.calls.slot, Metric::kProcessSyscalls, subject, calls, labels);
    recorder.Add(series.time_ns.slot, Metric::kProcessSyscallTime, subject,
                 Seconds(series.time_ns.Raise(now.time_ns)), labels);
    const uint64_t errors = series.errors.Raise(now.errors);
    if (errors == 0) continue;
    recorder.Add(series.errors.slot, Metric::kProcessSyscallErrors, subject, errors, labels);
  }
}

}  // namespace leadline::agent::aggregate
