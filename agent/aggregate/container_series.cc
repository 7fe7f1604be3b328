#include "agent/aggregate/container_series.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using source::CgroupStats;

enum class Unit { kNanoseconds, kBytes };

struct Row {
  Metric metric;
  std::optional<uint64_t> CgroupStats::*figure;
  Unit unit;
};

constexpr Row kRows[ContainerSeries::kStats] = {
    {Metric::kContainerCpuUsage, &CgroupStats::cpu_usage_ns, Unit::kNanoseconds},
    {Metric::kContainerCpuUser, &CgroupStats::cpu_user_ns, Unit::kNanoseconds},
    {Metric::kContainerCpuSystem, &CgroupStats::cpu_system_ns, Unit::kNanoseconds},
    {Metric::kContainerMemoryUsage, &CgroupStats::memory_usage_bytes, Unit::kBytes},
    {Metric::kContainerMemoryWorkingSet, &CgroupStats::memory_working_set_bytes, Unit::kBytes},
    {Metric::kContainerMemoryRss, &CgroupStats::memory_rss_bytes, Unit::kBytes},
    {Metric::kContainerMemoryCache, &CgroupStats::memory_cache_bytes, Unit::kBytes},
    {Metric::kContainerSpecMemoryLimit, &CgroupStats::memory_limit_bytes, Unit::kBytes},
};

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1e3; }

}  // namespace

void ContainerSeries::Record(const Subject& subject, int64_t start_ms, const CgroupStats& stats,
                             std::optional<size_t> processes, Recorder& recorder) {
  Slots& slots = slots_[subject.entity];
  for (size_t i = 0; i < kStats; ++i) {
    const Row& row = kRows[i];
    const std::optional<uint64_t> figure = stats.*row.figure;
    if (!figure) continue;
    if (row.unit == Unit::kNanoseconds) {
      recorder.Add(slots.stats[i], row.metric, subject, static_cast<double>(*figure) / 1e9);
    } else {
      recorder.Add(slots.stats[i], row.metric, subject, *figure);
    }
  }
  if (processes) {
    recorder.Add(slots.processes, Metric::kContainerProcesses, subject, *processes);
  }
  recorder.Add(slots.start_time, Metric::kContainerStartTime, subject, Seconds(start_ms));
  recorder.Add(slots.last_seen, Metric::kContainerLastSeen, subject, Seconds(subject.ts_ms));
}

}  // namespace leadline::agent::aggregate
