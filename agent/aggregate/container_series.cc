#include "agent/aggregate/container_series.h"

#include <string_view>

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using source::CgroupStats;
using source::DeviceIo;

enum class Unit : uint8_t {
  kAsIs,
  kSeconds,       // of nanoseconds
  kLimitedCount,  // only where there is a CPU limit
  kLimitedSeconds,
};

struct ContainerRow {
  Metric metric;
  std::optional<uint64_t> CgroupStats::*figure;
  Unit unit = Unit::kAsIs;
  std::string_view failure_type = {};
  std::string_view scope = {};
};

constexpr ContainerRow kContainerRows[ContainerSeries::kStats] = {
    {Metric::kContainerCpuUsage, &CgroupStats::cpu_usage_ns, Unit::kSeconds},
    {Metric::kContainerCpuUser, &CgroupStats::cpu_user_ns, Unit::kSeconds},
    {Metric::kContainerCpuSystem, &CgroupStats::cpu_system_ns, Unit::kSeconds},
    {Metric::kContainerCpuPeriods, &CgroupStats::cpu_periods, Unit::kLimitedCount},
    {Metric::kContainerCpuThrottledPeriods, &CgroupStats::cpu_throttled_periods,
     Unit::kLimitedCount},
    {Metric::kContainerCpuThrottled, &CgroupStats::cpu_throttled_ns, Unit::kLimitedSeconds},
    {Metric::kContainerSpecCpuQuota, &CgroupStats::cpu_quota_us},
    {Metric::kContainerSpecCpuPeriod, &CgroupStats::cpu_period_us},
    {Metric::kContainerSpecCpuShares, &CgroupStats::cpu_shares},
    {Metric::kContainerMemoryUsage, &CgroupStats::memory_usage_bytes},
    {Metric::kContainerMemoryMaxUsage, &CgroupStats::memory_max_usage_bytes},
    {Metric::kContainerMemoryWorkingSet, &CgroupStats::memory_working_set_bytes},
    {Metric::kContainerMemoryRss, &CgroupStats::memory_rss_bytes},
    {Metric::kContainerMemoryCache, &CgroupStats::memory_cache_bytes},
    {Metric::kContainerMemoryMappedFile, &CgroupStats::memory_mapped_file_bytes},
    {Metric::kContainerMemorySwap, &CgroupStats::memory_swap_bytes},
    {Metric::kContainerMemoryFailcnt, &CgroupStats::memory_limit_hits},
    {Metric::kContainerMemoryFailures, &CgroupStats::page_faults, Unit::kAsIs, "pgfault",
     "container"},
    {Metric::kContainerMemoryFailures, &CgroupStats::major_page_faults, Unit::kAsIs, "pgmajfault",
     "container"},
    {Metric::kContainerMemoryFailures, &CgroupStats::page_faults_with_children, Unit::kAsIs,
     "pgfault", "hierarchy"},
    {Metric::kContainerMemoryFailures, &CgroupStats::major_page_faults_with_children, Unit::kAsIs,
     "pgmajfault", "hierarchy"},
    {Metric::kContainerOomEvents, &CgroupStats::oom_kills},
    {Metric::kContainerSpecMemoryLimit, &CgroupStats::memory_limit_bytes},
    {Metric::kContainerSpecMemorySwapLimit, &CgroupStats::memory_swap_limit_bytes},
    {Metric::kContainerSpecMemoryReservation, &CgroupStats::memory_reservation_bytes},
    {Metric::kContainerThreads, &CgroupStats::threads},
    {Metric::kContainerThreadsMax, &CgroupStats::max_threads},
    {Metric::kContainerPressureCpuWaiting, &CgroupStats::cpu_waiting_ns, Unit::kSeconds},
    {Metric::kContainerPressureCpuStalled, &CgroupStats::cpu_stalled_ns, Unit::kSeconds},
    {Metric::kContainerPressureMemoryWaiting, &CgroupStats::memory_waiting_ns, Unit::kSeconds},
    {Metric::kContainerPressureMemoryStalled, &CgroupStats::memory_stalled_ns, Unit::kSeconds},
    {Metric::kContainerPressureIoWaiting, &CgroupStats::io_waiting_ns, Unit::kSeconds},
    {Metric::kContainerPressureIoStalled, &CgroupStats::io_stalled_ns, Unit::kSeconds},
};

struct DeviceRow {
  Metric metric;
  std::optional<uint64_t> DeviceIo::*figure;
};

constexpr DeviceRow kDeviceRows[ContainerSeries::kDeviceStats] = {
    {Metric::kContainerFsReads, &DeviceIo::reads},
    {Metric::kContainerFsReadsBytes, &DeviceIo::read_bytes},
    {Metric::kContainerFsWrites, &DeviceIo::writes},
    {Metric::kContainerFsWritesBytes, &DeviceIo::write_bytes},
};

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1e3; }

LabelSet LabelsOf(const ContainerRow& row) {
  LabelSet labels;
  labels.Set("failure_type", row.failure_type);
  labels.Set("scope", row.scope);
  return labels;
}

}  // namespace

void ContainerSeries::Record(const Subject& subject, int64_t start_ms, const CgroupStats& stats,
                             source::DeviceNames& device_names, std::optional<size_t> processes,
                             Recorder& recorder) {
  Slots& slots = slots_[subject.entity];
  for (size_t i = 0; i < kStats; ++i) {
    const ContainerRow& row = kContainerRows[i];
    const std::optional<uint64_t> figure = stats.*row.figure;
    const bool of_limit = row.unit == Unit::kLimitedCount || row.unit == Unit::kLimitedSeconds;
    if (!figure || (of_limit && !stats.cpu_quota_us)) continue;
    LabelSet labels;
    if (!slots.stats[i].ref) labels = LabelsOf(row);
    if (row.unit == Unit::kSeconds || row.unit == Unit::kLimitedSeconds) {
      recorder.Add(slots.stats[i], row.metric, subject, static_cast<double>(*figure) / 1e9, labels);
    } else {
      recorder.Add(slots.stats[i], row.metric, subject, *figure, labels);
    }
  }
  for (const DeviceIo& io : stats.devices) {
    const std::string& name = device_names.Of(io.device);
    auto& device = slots.devices[name];
    for (size_t i = 0; i < kDeviceStats; ++i) {
      const std::optional<uint64_t> figure = io.*kDeviceRows[i].figure;
      if (!figure) continue;
      LabelSet labels;
      if (!device[i].ref) labels.Set("device", name);
      recorder.Add(device[i], kDeviceRows[i].metric, subject, *figure, labels);
    }
  }
  if (processes) {
    recorder.Add(slots.processes, Metric::kContainerProcesses, subject, *processes);
  }
  recorder.Add(slots.start_time, Metric::kContainerStartTime, subject, Seconds(start_ms));
  recorder.Add(slots.last_seen, Metric::kContainerLastSeen, subject, Seconds(subject.ts_ms));
}

}  // namespace leadline::agent::aggregate
