// Loading: each alternative of each probe, the report, and options.
#include <string>

#include <gtest/gtest.h>

#include "agent/probes/probe_table.h"
#include "agent/probes/probes.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::AlternativeReport;
using agent::probes::ProbeOptions;

TEST(Load, DryRunVerifiesEveryAlternativeAndAttachesNone) {
  ProbeOptions options;
  options.dry_run = true;
  auto probes = LoadProbes(options);
  ASSERT_NE(probes, nullptr);
  bool all_can_be_had = true;
  for (const auto& probe : probes->report().probes) {
    EXPECT_FALSE(probe.attached()) << probe.name;
    if (IsForbiddenWalk(probe)) {
      all_can_be_had = false;
      continue;
    }
    int verified = 0;
    for (const AlternativeReport& alternative : probe.alternatives) {
      // Those of later kernels than this machine's are not tried.
      if (NeedsLaterKernel(alternative)) continue;
      EXPECT_EQ(alternative.state, AlternativeReport::State::kVerified)
          << probe.name << " by " << alternative.hook << ": " << alternative.reason;
      ++verified;
    }
    EXPECT_EQ(verified == 0, NeedsLaterKernel(probe)) << probe.name;
    all_can_be_had &= verified > 0;
  }
  const std::string text = probes->report().ToText();
  EXPECT_NE(text.find("tp_btf/sys_enter           verified"), std::string::npos) << text;
  EXPECT_NE(text.find("syscall_counters"), std::string::npos) << text;
  EXPECT_EQ(text.find("missing") == std::string::npos, all_can_be_had) << text;
}

TEST(Load, ReportsWhatItTook) {
  auto probes = LoadProbes();
  ASSERT_NE(probes, nullptr);
  const auto& report = probes->report();
  EXPECT_EQ(report.probes.size(), agent::probes::ProbeTable().size());
  EXPECT_LE(report.syscall_table_bytes, report.syscall_budget_bytes);
  EXPECT_GT(report.syscall_rows, 0u);
  const std::string text = report.ToText();
  EXPECT_NE(text.find("syscall_enter   tp_btf/sys_enter           attached"), std::string::npos)
      << text;
}

TEST(Load, TakesTheNextAlternativeWhereOneCannotBeHad) {
  auto probes = LoadProbes({.avoid_hooks = {"tp_btf/sys_enter"}});
  ASSERT_NE(probes, nullptr);
  for (const auto& probe : probes->report().probes) {
    EXPECT_EQ(probe.attached_by.starts_with("raw_tp/"), probe.name == "syscall_enter")
        << probe.name;
  }
}

TEST(Load, GoesOnWithoutAProbeAndWithoutThoseThatNeedIt) {
  const auto probes = agent::probes::Probes::Load(
      {.avoid_hooks = {"tp_btf/sys_enter", "raw_tp/sys_enter", "raw_tp/cgroup_", "tp_btf/cgroup_",
                       "raw_tp/sched_process_", "tp_btf/sched_process_", "raw_tp/inet_sock_",
                       "tp_btf/inet_sock_", "raw_tp/sock_", "tp_btf/sock_"}});
  ASSERT_TRUE(probes.ok());
  for (const auto& probe : (*probes)->report().probes) {
    EXPECT_FALSE(probe.attached()) << probe.name;
    for (const AlternativeReport& alternative : probe.alternatives) {
      EXPECT_FALSE(alternative.reason.empty() &&
                   alternative.state == AlternativeReport::State::kRefused)
          << probe.name << " by " << alternative.hook;
    }
  }
  EXPECT_NE((*probes)->report().ToText().find("missing: cgroup_rmdir"), std::string::npos);
  EXPECT_TRUE(ReadRows(**probes).empty());
  const auto polled = (*probes)->PollLifecycle(absl::ZeroDuration(), [](const auto&) {});
  ASSERT_TRUE(polled.ok());
  EXPECT_EQ(*polled, 0);
  EXPECT_TRUE((*probes)->Losses().ok());
}

TEST(Load, RefusesABudgetThatHoldsNothing) {
  ProbeOptions options;
  options.syscall_budget_bytes = 100;
  EXPECT_EQ(agent::probes::Probes::Load(options).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::testing
