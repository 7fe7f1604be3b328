#include "agent/features/features.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "agent/probes/probe_table.h"

namespace leadline::agent {
namespace {

using probes::AlternativeReport;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

// A report in which every probe that `refused` does not name is attached.
probes::ProbeReport ReportWithout(const std::vector<std::string>& refused) {
  probes::ProbeReport report;
  for (const probes::ProbeRow& row : probes::ProbeTable()) {
    probes::ProbeStatus status;
    status.name = row.name;
    const bool no = std::find(refused.begin(), refused.end(), "") != refused.end() ||
                    std::find(refused.begin(), refused.end(), row.name) != refused.end();
    if (!no) status.attached_by = row.alternatives[0].hook;
    status.alternatives.push_back(
        {.state = no ? AlternativeReport::State::kRefused : AlternativeReport::State::kAttached,
         .reason = no ? "Permission denied" : ""});
    report.probes.push_back(std::move(status));
  }
  return report;
}

const Feature& Named(const std::vector<Feature>& features, const std::string& name) {
  for (const Feature& feature : features) {
    if (feature.name == name) return feature;
  }
  ADD_FAILURE() << "no feature " << name;
  return features.front();
}

TEST(ProbeFeatures, AreOnWhenEverythingIsAttached) {
  const auto features = ProbeFeatures(ReportWithout({}), {});
  EXPECT_GE(features.size(), 3u);
  EXPECT_THAT(features, Each(AllOf(testing::Field(&Feature::enabled, true),
                                   testing::Field(&Feature::problem, ""))));
  EXPECT_THAT(Named(features, "bpf_syscalls").gives, HasSubstr("container_syscalls_total"));
}

TEST(ProbeFeatures, ARefusedProbeTakesItsPartAway) {
  const auto features = ProbeFeatures(ReportWithout({"process_oom"}), {});
  const Feature& processes = Named(features, "bpf_processes");
  EXPECT_TRUE(processes.enabled);
  EXPECT_EQ(processes.problem, "process_oom: Permission denied");
  EXPECT_EQ(Named(features, "bpf_syscalls").problem, "");
}

TEST(ProbeFeatures, WhatIsKnownToBeInTheWayExplainsThem) {
  const auto features =
      ProbeFeatures(ReportWithout({""}), {.btf = false, .lockdown = "confidentiality"});
  EXPECT_THAT(features, Each(testing::Field(&Feature::enabled, false)));
  EXPECT_THAT(Named(features, "bpf_lifecycle").problem,
              AllOf(HasSubstr("/sys/kernel/btf/vmlinux"), HasSubstr("locked down"),
                    Not(HasSubstr("Permission denied"))));
  EXPECT_THAT(Named(features, "bpf_lifecycle").mend, HasSubstr("CONFIG_DEBUG_INFO_BTF"));
}

class StateDirectory : public testing::Test {
 protected:
  StateDirectory() {
    std::string pattern = testing::TempDir() + "/state-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~StateDirectory() override { std::filesystem::remove_all(root_); }
  std::string root_;
};

TEST_F(StateDirectory, IsCheckedAtTheNearestThatIsThere) {
  EXPECT_TRUE(CheckStateDirectory(root_).ok());
  EXPECT_TRUE(CheckStateDirectory(root_ + "/not/yet").ok());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/not"));
  std::ofstream(root_ + "/file") << "x";
  const absl::Status status = CheckStateDirectory(root_ + "/file/state");
  EXPECT_THAT(std::string(status.message()), HasSubstr(root_ + "/file"));
  EXPECT_FALSE(StateFeature(status).enabled);
  EXPECT_TRUE(StateFeature(absl::OkStatus()).enabled);
}

TEST(ProcessFeature, NeedsTheFirstProcess) {
  EXPECT_EQ(ProcessFeature().problem, "");
  EXPECT_THAT(ProcessFeature("/nowhere").problem, HasSubstr("hidden"));
}

TEST(KubernetesFeature, SaysWhyThereIsNoWay) {
  EXPECT_TRUE(KubernetesFeature(absl::OkStatus()).enabled);
  const Feature off = KubernetesFeature(absl::NotFoundError("no token"));
  EXPECT_FALSE(off.enabled);
  EXPECT_EQ(off.problem, "no token");
  EXPECT_THAT(off.mend, HasSubstr("--kubeconfig"));
}

TEST(FeatureReport, TellsOfEachReasonOnce) {
  FeatureReport report;
  report.Add({.name = "a", .gives = "as"});
  report.Add({.name = "b",
              .gives = "bs",
              .enabled = false,
              .problem = "CAP_X is missing",
              .mend = "give it"});
  report.Add({.name = "c",
              .gives = "cs",
              .enabled = false,
              .problem = "CAP_X is missing",
              .mend = "give it"});
  report.Add({.name = "d", .gives = "ds", .problem = "half of it"});
  testing::internal::CaptureStdout();
  report.Log();
  const std::string log = testing::internal::GetCapturedStdout();
  EXPECT_THAT(log, HasSubstr("off: b (bs), c (cs): CAP_X is missing; give it\n"));
  EXPECT_THAT(log, HasSubstr("in part: d (ds): half of it\n"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2);
  EXPECT_THAT(report.ToText(),
              AllOf(HasSubstr("b                off"), HasSubstr("why: CAP_X is missing"),
                    HasSubstr("mend: give it"), HasSubstr("d                in part")));

  prometheus::Registry registry;
  report.Export(registry);
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  EXPECT_THAT(text, AllOf(HasSubstr("leadline_agent_feature_enabled{feature=\"a\"} 1"),
                          HasSubstr("leadline_agent_feature_enabled{feature=\"b\"} 0"),
                          HasSubstr("leadline_agent_feature_enabled{feature=\"d\"} 1")));
}

}  // namespace
}  // namespace leadline::agent
