#include <unistd.h>

#include <algorithm>

#include "agent/source/node/malformed.h"
#include "agent/source/node/parsers.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

struct CpuColumn {
  const char* metric;
  const char* mode;
};

constexpr CpuColumn kCpuColumns[CpuTimes::kColumns] = {
    {"node_cpu_seconds_total", "user"},       {"node_cpu_seconds_total", "nice"},
    {"node_cpu_seconds_total", "system"},     {"node_cpu_seconds_total", "idle"},
    {"node_cpu_seconds_total", "iowait"},     {"node_cpu_seconds_total", "irq"},
    {"node_cpu_seconds_total", "softirq"},    {"node_cpu_seconds_total", "steal"},
    {"node_cpu_guest_seconds_total", "user"}, {"node_cpu_guest_seconds_total", "nice"},
};

constexpr size_t kIdle = 3;
// An idle time that falls by more has begun anew.
constexpr uint64_t kMaxStepBackSeconds = 3;

constexpr CpuColumn kSingles[] = {
    {"node_intr_total", "intr"},
    {"node_context_switches_total", "ctxt"},
    {"node_boot_time_seconds", "btime"},
    {"node_forks_total", "processes"},
    {"node_procs_running", "procs_running"},
    {"node_procs_blocked", "procs_blocked"},
};

uint64_t TicksPerSecond() {
  static const auto ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return ticks;
}

}  // namespace

absl::Status CpuTimes::Parse(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    std::string_view key = TakeWord(rest);
    const auto* single = std::find_if(std::begin(kSingles), std::end(kSingles),
                                      [&](const CpuColumn& column) { return column.mode == key; });
    if (single != std::end(kSingles)) {
      if (const auto value = ParseNumber<uint64_t>(TakeWord(rest))) {
        sink(single->metric, {}, static_cast<double>(*value));
      } else {
        malformed.Note(line);
      }
      continue;
    }
    if (!key.starts_with("cpu") || key == "cpu") continue;
    key.remove_prefix(3);
    Ticks now{};
    size_t columns = 0;
    for (; columns < kColumns; ++columns) {
      const auto ticks = ParseNumber<uint64_t>(TakeWord(rest));
      if (!ticks) break;
      now[columns] = *ticks;
    }
    if (columns == kColumns) {
      Add(key, now, sink);
    } else {
      malformed.Note(line);
    }
  }
  return malformed.ToStatus();
}

void CpuTimes::Add(std::string_view cpu, const Ticks& now, FigureSink sink) {
  auto it = last_.find(cpu);
  if (it == last_.end()) it = last_.try_emplace(std::string(cpu), now).first;
  Ticks& last = it->second;
  if (now[kIdle] + kMaxStepBackSeconds * TicksPerSecond() < last[kIdle]) last = now;
  for (size_t i = 0; i < kColumns; ++i) {
    last[i] = std::max(last[i], now[i]);
    sink(kCpuColumns[i].metric, {{{"cpu", cpu}, {"mode", kCpuColumns[i].mode}}},
         static_cast<double>(last[i]) / static_cast<double>(TicksPerSecond()));
  }
}

}  // namespace leadline::agent::source
