#include "agent/probes/probe_report.h"

#include <algorithm>
#include <string_view>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

using State = AlternativeReport::State;

std::string_view StateName(State state) {
  switch (state) {
    case State::kAttached:
      return "attached";
    case State::kVerified:
      return "verified";
    case State::kRefused:
      return "refused";
    case State::kUntried:
      return "untried";
  }
  return "?";
}

constexpr double kMiB = 1024.0 * 1024.0;

}  // namespace

std::string ProbeReport::ToText() const {
  std::string text = fmt::format("kernel {}, {} CPUs\n\n", kernel, cpus);
  text += fmt::format("{:<15} {:<26} {:<9} {:<22} {}\n", "PROBE", "HOOK", "STATE", "FROM LINUX, BY",
                      "WHY");
  for (const ProbeStatus& probe : probes) {
    std::string_view name = probe.name;
    for (const AlternativeReport& alternative : probe.alternatives) {
      text += fmt::format("{:<15} {:<26} {:<9} {:<22} {}\n", name, alternative.hook,
                          StateName(alternative.state), alternative.wants, alternative.reason);
      name = "";
    }
  }
  text += "\nsystem call table: ";
  if (syscall_rows == 0) {
    text += "none\n";
  } else {
    text += fmt::format(
        "{} rows, {:.1f} of {:.1f} MiB, latency buckets of schema {} ({} of them)\n", syscall_rows,
        static_cast<double>(syscall_table_bytes) / kMiB,
        static_cast<double>(syscall_budget_bytes) / kMiB, latency_schema, latency_buckets);
  }
  text += fmt::format("\n{:<20} {:>9} {:>12}\n", "MAP", "ENTRIES", "BYTES");
  for (const MapReport& map : maps) {
    text += fmt::format("{:<20} {:>9} {:>12}\n", map.name, map.entries, map.bytes);
  }
  for (const ProbeStatus& probe : probes) {
    const bool verified =
        std::any_of(probe.alternatives.begin(), probe.alternatives.end(),
                    [](const AlternativeReport& a) { return a.state == State::kVerified; });
    if (!probe.attached() && !verified) {
      text += fmt::format("\nmissing: {}, which feeds {}\n", probe.name, probe.feeds);
    }
  }
  return text;
}

}  // namespace leadline::agent::probes
