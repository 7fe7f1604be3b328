#include "agent/memory_metrics.h"

#include <unistd.h>

#include <algorithm>

#include "absl/status/status.h"

#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent {

MemoryMetrics::MemoryMetrics(const probes::ProbeReport& report, prometheus::Registry& registry)
    : family_(
          prometheus::BuildGauge()
              .Name("leadline_agent_memory_bytes")
              .Help("Memory that the agent takes, of the process (rss) and of the kernel for the "
                    "probes (maps, rings).")
              .Register(registry)),
      rss_(family_.Add({{"kind", "rss"}})) {
  prometheus::Gauge& maps = family_.Add({{"kind", "maps"}});
  prometheus::Gauge& rings = family_.Add({{"kind", "rings"}});
  for (const probes::MapReport& map : report.maps) {
    (map.is_ring ? rings : maps).Increment(static_cast<double>(map.bytes));
    if (map.is_mapped) mapped_bytes_ += static_cast<double>(map.bytes);
  }
}

absl::Status MemoryMetrics::Update() {
  LL_ASSIGN_OR_RETURN(std::string_view text, reader_.Read("/proc/self/statm"));
  source::TakeWord(text);  // the size of the address space
  const auto resident = source::ParseNumber<uint64_t>(source::TakeWord(text));
  if (!resident) return absl::InternalError("/proc/self/statm is not as proc(5) has it");
  static const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  rss_.Set(std::max(0.0, static_cast<double>(*resident) * page_bytes - mapped_bytes_));
  return absl::OkStatus();
}

}  // namespace leadline::agent
