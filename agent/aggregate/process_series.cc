#include "agent/aggregate/process_series.h"

namespace leadline::agent::aggregate {

using catalogue::Metric;

void ProcessSeries::Record(const Subject& subject, const source::ProcessStat& stat,
                           Recorder& recorder) {
  static const LabelSet user_mode = {{"cpu_mode", "user"}};
  static const LabelSet system_mode = {{"cpu_mode", "system"}};
  Slots& slots = slots_[subject.entity];
  recorder.Add(slots.user, Metric::kProcessCpuTime, subject,
               static_cast<double>(stat.user_ns) / 1e9, user_mode);
  recorder.Add(slots.system, Metric::kProcessCpuTime, subject,
               static_cast<double>(stat.system_ns) / 1e9, system_mode);
  recorder.Add(slots.resident, Metric::kProcessMemoryUsage, subject, stat.resident_bytes);
  recorder.Add(slots.threads, Metric::kProcessThreadCount, subject, uint64_t{stat.threads});
}

}  // namespace leadline::agent::aggregate
