// What the agent takes of the machine's memory, as a metric of its own.
//
//   leadline_agent_memory_bytes{kind="rss"}     resident memory of the process, but for mapped maps
//   leadline_agent_memory_bytes{kind="maps"}    of the kernel, for the probes' maps
//   leadline_agent_memory_bytes{kind="rings"}   of the kernel, for the probes' ring buffers
//
// They add up to all of it. Not thread-safe; the registry may be scraped meanwhile.
#pragma once

#include "agent/probes/probe_report.h"
#include "agent/source/file_reader.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class MemoryMetrics {
 public:
  MemoryMetrics(const probes::ProbeReport& report, prometheus::Registry& registry);

  // Once an interval.
  absl::Status Update();

 private:
  source::FileReader reader_;
  prometheus::Family<prometheus::Gauge>& family_;
  prometheus::Gauge& rss_;
  double mapped_bytes_ = 0;
};

}  // namespace leadline::agent
