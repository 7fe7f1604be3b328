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

absl::Status ProbeMetrics::Update() {
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
