// The probes' own metrics: what is attached, how full the tables are, what was lost.
//
//   leadline_agent_probe_attached{probe,hook}      1, or 0 with an empty hook
//   leadline_agent_probe_losses_total{reason}      see ProbeLoss
//   leadline_agent_probe_map_bytes{map}
//   leadline_agent_requests_total{protocol}        exchanges that were told, counted or not
//   leadline_agent_request_losses_total{protocol,unit,reason}  see RequestCount
//   leadline_agent_request_connections             followed at the moment
//   leadline_agent_syscalls_untimed_total          counted with the latency of another call
//   leadline_agent_syscall_rows, leadline_agent_syscall_rows_max
//
// Not thread-safe; the registry may be scraped meanwhile.
#pragma once

#include <string>

#include "agent/probes/probes.h"
#include "common/string_map.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent::probes {

class ProbeMetrics {
 public:
  // Both have to outlive this.
  ProbeMetrics(const Probes& probes, prometheus::Registry& registry);

  // Once an interval, after ReadSyscalls. An error is also counted, as loss "losses_unreadable".
  absl::Status Update();

 private:
  void SetLoss(const std::string& reason, uint64_t count);
  void UpdateRequests();

  const Probes& probes_;
  prometheus::Family<prometheus::Counter>& losses_;
  prometheus::Gauge& rows_;
  prometheus::Counter& untimed_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& request_losses_;
  prometheus::Gauge& request_connections_;
  StringMap<prometheus::Counter*> by_reason_;
  uint64_t unreadable_ = 0;
};

}  // namespace leadline::agent::probes
