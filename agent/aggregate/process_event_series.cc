#include "agent/aggregate/process_event_series.h"

#include <cstring>
#include <utility>

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using Event = probes::ProcessCounters::Event;

constexpr char kOther[] = PROCESS_COMMAND_OTHER;
constexpr uint32_t kSignalMask = 0x7f;

Metric MetricOf(Event event) {
  switch (event) {
    case Event::kExec:
      return Metric::kContainerProcessExecs;
    case Event::kExit:
      return Metric::kContainerProcessExits;
    case Event::kOomKill:
      break;
  }
  return Metric::kContainerOomKills;
}

}  // namespace

LabelSet ExitLabels(const std::string& command, uint32_t status) {
  LabelSet labels{{"command", command}};
  if (command == kOther) return labels;
  if (const int signal = static_cast<int>(status & kSignalMask); signal != 0) {
    const char* name = sigabbrev_np(signal);
    labels.Set("signal", name == nullptr ? std::to_string(signal) : name);
  } else {
    labels.Set("code", std::to_string(status >> 8 & 0xff));
  }
  return labels;
}

bool ProcessEventSeries::Fold(EntityRef owner_ref, const probes::ProcessCounters& row) {
  const Key key(row.command, row.event, row.status);
  Seen& seen = seen_[row.cgroup_id][key];
  const uint64_t growth = row.count - std::exchange(seen.count, row.count);
  const uint64_t cpu_ns = row.cpu_ns - std::exchange(seen.cpu_ns, row.cpu_ns);
  if (growth == 0 && cpu_ns == 0) return false;
  Owner& owner = owners_[owner_ref];
  EventOf(owner, key).value += growth;
  if (row.event == Event::kExit) CpuOf(owner, std::get<0>(key)).value += cpu_ns;
  return true;
}

ProcessEventSeries::Counter& ProcessEventSeries::EventOf(Owner& owner, const Key& key) {
  if (const auto found = owner.events.find(key); found != owner.events.end()) return found->second;
  const auto& [command, event, status] = key;
  size_t& series = owner.series[static_cast<size_t>(event)];
  if (command == kOther || series >= kSeriesMax) return owner.events[Key(kOther, event, 0)];
  ++series;
  return owner.events[key];
}

ProcessEventSeries::Counter& ProcessEventSeries::CpuOf(Owner& owner, const std::string& command) {
  if (const auto found = owner.cpu_ns.find(command); found != owner.cpu_ns.end()) {
    return found->second;
  }
  return owner.cpu_ns[owner.cpu_ns.size() < kSeriesMax ? command : kOther];
}

void ProcessEventSeries::Record(const Subject& subject, Recorder& recorder) {
  const auto owner = owners_.find(subject.entity);
  if (owner == owners_.end()) return;
  for (auto& [key, counter] : owner->second.events) {
    const auto& [command, event, status] = key;
    LabelSet labels;
    if (!counter.slot.ref) {
      labels = event == Event::kExit ? ExitLabels(command, status) : LabelSet{{"command", command}};
    }
    recorder.Add(counter.slot, MetricOf(event), subject, counter.value, labels);
  }
  for (auto& [command, counter] : owner->second.cpu_ns) {
    LabelSet labels;
    if (!counter.slot.ref) labels.Set("command", command);
    recorder.Add(counter.slot, Metric::kContainerProcessExitedCpu, subject,
                 static_cast<double>(counter.value) / 1e9, labels);
  }
}

}  // namespace leadline::agent::aggregate
