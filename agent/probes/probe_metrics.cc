#include "agent/probes/probe_metrics.h"

namespace leadline::agent::probes {
namespace {

prometheus::Family<prometheus::Gauge>& GaugeFamily(prometheus::Registry& registry, const char* name,
                                                   const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

void RaiseTo(prometheus::Counter& counter, uint64_t count) {
  const double growth = static_cast<double>(count) - counter.Value();
  if (growth > 0) counter.Increment(growth);
}

}  // namespace

ProbeMetrics::ProbeMetrics(const Probes& probes, prometheus::Registry& registry)
    : probes_(probes),
      losses_(prometheus::BuildCounter()
                  .Name("leadline_agent_probe_losses_total")
                  .Help("What the probes did not count where it belongs, or not at all, by reason.")
                  .Register(registry)),
      rows_(GaugeFamily(registry, "leadline_agent_syscall_rows",
                        "Rows in use in the kernel's table of system calls.")
                .Add({})),
      untimed_(prometheus::BuildCounter()
                   .Name("leadline_agent_syscalls_untimed_total")
                   .Help("System calls that counted with the latency of another one of their row.")
                   .Register(registry)
                   .Add({})),
      requests_(prometheus::BuildCounter()
                    .Name("leadline_agent_requests_total")
                    .Help("Requests that were found in what was captured, by protocol.")
                    .Register(registry)),
      request_losses_(prometheus::BuildCounter()
                          .Name("leadline_agent_request_losses_total")
                          .Help("What is missing of requests, by protocol, unit and reason.")
                          .Register(registry)),
      request_connections_(GaugeFamily(registry, "leadline_agent_request_connections",
                                       "Connections whose requests are followed.")
                               .Add({})) {
  const ProbeReport& report = probes.report();
  GaugeFamily(registry, "leadline_agent_syscall_rows_max",
              "Rows that the kernel's table of system calls has.")
      .Add({})
      .Set(report.syscall_rows);
  auto& attached = GaugeFamily(registry, "leadline_agent_probe_attached",
                               "1 when the probe is set, by the hook.");
  for (const ProbeStatus& probe : report.probes) {
    attached.Add({{"probe", probe.name}, {"hook", probe.attached_by}})
        .Set(probe.attached() ? 1 : 0);
  }
  auto& bytes = GaugeFamily(registry, "leadline_agent_probe_map_bytes",
                            "Memory of the kernel for the probes' maps, over all CPUs.");
  for (const MapReport& map : report.maps) {
    bytes.Add({{"map", map.name}}).Set(static_cast<double>(map.bytes));
  }
}

void ProbeMetrics::UpdateRequests() {
  request_connections_.Set(static_cast<double>(probes_.request_connections()));
  // Families give the same counter for the same labels.
  for (const RequestCount& count : probes_.RequestCounts()) {
    const std::string protocol(count.protocol);
    if (count.reason.empty()) {
      RaiseTo(requests_.Add({{"protocol", protocol}}), count.count);
    } else {
      RaiseTo(request_losses_.Add({{"protocol", protocol},
                                   {"unit", std::string(count.unit)},
                                   {"reason", std::string(count.reason)}}),
              count.count);
    }
  }
}

absl::Status ProbeMetrics::Update() {
  UpdateRequests();
  rows_.Set(probes_.syscall_rows_used());
  const auto untimed = probes_.UntimedSyscalls();
  const auto losses = probes_.Losses();
  if (!untimed.ok() || !losses.ok()) {
    SetLoss("losses_unreadable", ++unreadable_);
    return untimed.ok() ? losses.status() : untimed.status();
  }
  RaiseTo(untimed_, *untimed);
  for (const ProbeLoss& loss : *losses) SetLoss(loss.reason, loss.count);
  return absl::OkStatus();
}

void ProbeMetrics::SetLoss(const std::string& reason, uint64_t count) {
  prometheus::Counter*& counter = by_reason_[reason];
  if (counter == nullptr) counter = &losses_.Add({{"reason", reason}});
  RaiseTo(*counter, count);
}

}  // namespace leadline::agent::probes
