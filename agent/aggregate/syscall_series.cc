#include "agent/aggregate/syscall_series.h"

#include "agent/aggregate/growth.h"
#include "agent/probes/syscall_names.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using probes::SyscallAbi;
using probes::SyscallCounters;

struct SyscallRow {
  Metric metric;
  uint64_t SyscallCounters::*count;
  bool also_zero;  // has a series also while it is 0
};

constexpr SyscallRow kSyscallRows[SyscallSeries::kCounts] = {
    {Metric::kContainerSyscalls, &SyscallCounters::calls, true},
    {Metric::kContainerSyscallErrors, &SyscallCounters::errors, false},
    {Metric::kContainerSyscallsInterrupted, &SyscallCounters::interrupted, false},
    {Metric::kContainerSyscallsUnmatched, &SyscallCounters::unmatched, false},
};

LabelSet CallLabels(uint16_t nr, SyscallAbi abi) {
  LabelSet labels;
  labels.Set("abi", probes::SyscallAbiName(abi));
  labels.Set("syscall", probes::SyscallName(nr, abi));
  return labels;
}

}  // namespace

bool SyscallSeries::Fold(EntityRef owner, const SyscallCounters& row) {
  const CallId call{row.nr, row.abi};
  Totals& seen = seen_[row.cgroup_id][call];
  Totals& totals = owners_[owner][call].totals;
  bool grew = false;
  for (size_t i = 0; i < kCounts; ++i) {
    grew |= AddGrowth(row.*kSyscallRows[i].count, seen.counts[i], totals.counts[i]);
  }
  AddGrowth(row.time_ns, seen.time_ns, totals.time_ns);
  grew |= AddGrowth(row.latency_buckets, seen.buckets, totals.buckets);
  schema_ = row.latency_schema;
  return grew;
}

void SyscallSeries::Record(const Subject& subject, Recorder& recorder) {
  const auto owner = owners_.find(subject.entity);
  if (owner == owners_.end()) return;
  for (auto& [id, call] : owner->second) {
    LabelSet labels;
    const auto labels_for = [&, id = id](const SeriesSlot& slot) -> const LabelSet& {
      if (!slot.ref && labels.empty()) labels = CallLabels(id.first, id.second);
      return labels;
    };
    for (size_t i = 0; i < kCounts; ++i) {
      const uint64_t count = call.totals.counts[i];
      if (count == 0 && !kSyscallRows[i].also_zero) continue;
      recorder.Add(call.counts[i], kSyscallRows[i].metric, subject, count,
                   labels_for(call.counts[i]));
    }
    RecordDuration(call, subject, recorder, labels_for(call.duration));
  }
}

void SyscallSeries::RecordDuration(Call& call, const Subject& subject, Recorder& recorder,
                                   const LabelSet& labels) {
  if (call.totals.buckets.empty()) return;
  const HistogramView histogram{.schema = schema_,
                                .sum = static_cast<double>(call.totals.time_ns) / 1e9,
                                .buckets = call.totals.buckets};
  recorder.AddHistogram(call.duration, Metric::kContainerSyscallDuration, subject, histogram,
                        labels);
}

}  // namespace leadline::agent::aggregate
