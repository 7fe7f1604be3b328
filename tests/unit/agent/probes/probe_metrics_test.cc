#include "agent/probes/probe_metrics.h"

#include <string>

#include <gtest/gtest.h>

#include "prometheus/text_serializer.h"

namespace leadline::agent::probes {
namespace {

class FakeProbes final : public Probes {
 public:
  const ProbeReport& report() const override { return report_; }
  void Forget(uint64_t) override {}
  uint32_t syscall_rows_used() const override { return 17; }
  absl::StatusOr<uint64_t> UntimedSyscalls() const override { return untimed; }
  absl::StatusOr<int> PollLifecycle(absl::Duration,
                                    absl::FunctionRef<void(const LifecycleEvent&)>) override {
    return 0;
  }
  int lifecycle_fd() const override { return -1; }
  absl::StatusOr<std::vector<ProbeLoss>> Losses() const override {
    if (unreadable) return absl::InternalError("no such map");
    return std::vector<ProbeLoss>{{"lifecycle_ring_full", ring_full}};
  }

  ProbeReport report_;
  uint64_t ring_full = 0;
  uint64_t untimed = 0;
  bool unreadable = false;
};

std::string Scrape(const prometheus::Registry& registry) {
  return prometheus::TextSerializer().Serialize(registry.Collect());
}

void ExpectLine(const prometheus::Registry& registry, std::string_view line) {
  const std::string text = Scrape(registry);
  EXPECT_NE(text.find(std::string(line) + "\n"), std::string::npos) << line << "\n" << text;
}

TEST(ProbeMetrics, ShowWhatIsAttachedAndLost) {
  FakeProbes probes;
  probes.report_.syscall_rows = 8192;
  probes.report_.maps = {{.name = "syscall_keys", .entries = 8193, .bytes = 131088}};
  probes.report_.probes.resize(2);
  probes.report_.probes[0].name = "syscall_enter";
  probes.report_.probes[0].attached_by = "tp_btf/sys_enter";
  probes.report_.probes[1].name = "cgroup_mkdir";
  prometheus::Registry registry;
  ProbeMetrics metrics(probes, registry);
  probes.ring_full = 3;
  ASSERT_TRUE(metrics.Update().ok());
  probes.ring_full = 5;
  probes.untimed = 12;
  ASSERT_TRUE(metrics.Update().ok());

  ExpectLine(registry, R"(leadline_agent_probe_losses_total{reason="lifecycle_ring_full"} 5)");
  ExpectLine(registry, "leadline_agent_syscalls_untimed_total 12");
  ExpectLine(registry,
             R"(leadline_agent_probe_attached{hook="tp_btf/sys_enter",probe="syscall_enter"} 1)");
  ExpectLine(registry, R"(leadline_agent_probe_attached{hook="",probe="cgroup_mkdir"} 0)");
  ExpectLine(registry, R"(leadline_agent_probe_map_bytes{map="syscall_keys"} 131088)");
  ExpectLine(registry, "leadline_agent_syscall_rows 17");
  ExpectLine(registry, "leadline_agent_syscall_rows_max 8192");
}

TEST(ProbeMetrics, CountWhenTheLossesCannotBeRead) {
  FakeProbes probes;
  prometheus::Registry registry;
  ProbeMetrics metrics(probes, registry);
  probes.unreadable = true;
  EXPECT_FALSE(metrics.Update().ok());
  EXPECT_FALSE(metrics.Update().ok());
  ExpectLine(registry, R"(leadline_agent_probe_losses_total{reason="losses_unreadable"} 2)");
}

}  // namespace
}  // namespace leadline::agent::probes
