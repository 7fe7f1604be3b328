#include "agent/source/cgroup_mounts.h"

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

bool ShowsRoot(const std::string& mount_point) { return !mount_point.starts_with("/part"); }

struct Case {
  std::string name;
  std::string mountinfo;
  std::string v2;
  std::string cpuacct;
  std::string memory;
};

class CgroupMountsTest : public testing::TestWithParam<Case> {};

TEST_P(CgroupMountsTest, FindsTheHierarchies) {
  const auto mounts = CgroupMounts::Parse(GetParam().mountinfo, ShowsRoot);
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  EXPECT_EQ(mounts->v2, GetParam().v2);
  EXPECT_EQ(mounts->v1_cpuacct, GetParam().cpuacct);
  EXPECT_EQ(mounts->v1_memory, GetParam().memory);
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, CgroupMountsTest,
    testing::Values(
        Case{"pure_v2",
             "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
             "/sys/fs/cgroup", "", ""},
        Case{"hybrid",
             "31 30 0:27 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw\n"
             "35 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
             "36 30 0:32 / /sys/fs/cgroup/memory rw shared:10 - cgroup cgroup rw,memory\n",
             "/sys/fs/cgroup/unified", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory"},
        Case{"the_first_mount_wins",
             "31 30 0:27 / /a rw - cgroup2 cgroup2 rw\n31 30 0:27 / /b rw - cgroup2 cgroup2 rw\n",
             "/a", "", ""},
        Case{"escaped_blank", "31 30 0:27 / /a\\040b rw - cgroup2 cgroup2 rw\n", "/a b", "", ""},
        Case{"a_backslash_that_escapes_nothing", "31 30 0:27 / /a\\9 rw - cgroup2 cgroup2 rw\n",
             "/a\\9", "", ""},
        Case{"a_mount_of_a_part_is_passed_over",
             "31 30 0:27 / /part rw - cgroup2 cgroup2 rw\n"
             "32 30 0:27 /../.. /host/sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
             "/host/sys/fs/cgroup", "", ""},
        Case{"empty", "", "", "", ""}),
    [](const auto& test) { return test.param.name; });

TEST(CgroupMounts, FindsEachController) {
  const auto mounts = CgroupMounts::Parse(
      "35 30 0:31 / /cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "36 30 0:32 / /memory rw - cgroup cgroup rw,memory\n"
      "37 30 0:33 / /blkio rw - cgroup cgroup rw,blkio\n"
      "38 30 0:34 / /pids rw - cgroup cgroup rw,pids\n",
      ShowsRoot);
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  EXPECT_EQ(mounts->v1_cpuacct, "/cpu,cpuacct");
  EXPECT_EQ(mounts->v1_cpu, "/cpu,cpuacct");
  EXPECT_EQ(mounts->v1_memory, "/memory");
  EXPECT_EQ(mounts->v1_blkio, "/blkio");
  EXPECT_EQ(mounts->v1_pids, "/pids");
}

TEST(CgroupMounts, NamesTheLineThatIsNotUnderstood) {
  const auto mounts = CgroupMounts::Parse("31 30 0:27 / /a rw cgroup2\n", ShowsRoot);
  EXPECT_EQ(mounts.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(mounts.status().message().find("31 30 0:27"), std::string::npos);
}

constexpr char kSelfCgroup[] =
    "9:pids:/\n4:memory:/user.slice\n2:cpu,cpuacct:/\n1:name=systemd:/\n0::/init.scope\n";

struct Choice {
  std::string name;
  CgroupChoice wanted;
  CgroupMounts mounts;
  size_t v1_only;
  // "number controller mount: why", or a part of the error.
  std::string chosen;
  std::string error;
};

class ChooseCgroupsTest : public testing::TestWithParam<Choice> {};

TEST_P(ChooseCgroupsTest, TakesWhatContainersAreIn) {
  const Choice& choice = GetParam();
  const auto chosen = ChooseCgroups(choice.wanted, choice.mounts, kSelfCgroup, choice.v1_only);
  if (!choice.error.empty()) {
    EXPECT_EQ(chosen.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(chosen.status().message().find(choice.error), std::string::npos) << chosen.status();
    return;
  }
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_EQ(std::to_string(chosen->hierarchy.number) + " " + chosen->hierarchy.controller + " " +
                chosen->mount_point + ": " + chosen->why,
            choice.chosen);
}

const CgroupMounts kV2{.v2 = "/v2", .v2_memory = true};
const CgroupMounts kHybrid{.v2 = "/v2", .v1_memory = "/memory", .v1_pids = "/pids"};
const CgroupMounts kV1{.v1_memory = "/memory", .v1_pids = "/pids"};
const CgroupMounts kPidsOnly{.v1_cpuacct = "/cpu", .v1_pids = "/pids"};
const CgroupMounts kPart{.partial = {"/sys/fs/cgroup", "/other"}};

INSTANTIATE_TEST_SUITE_P(
    Choices, ChooseCgroupsTest,
    testing::Values(
        Choice{"v2", CgroupChoice::kAuto, kV2, 0, "0  /v2: the only hierarchy", ""},
        Choice{"hybrid", CgroupChoice::kAuto, kHybrid, 0, "0  /v2: containers are members of it",
               ""},
        Choice{"hybrid_of_a_runtime_that_knows_v1_only", CgroupChoice::kAuto, kHybrid, 3,
               "4 memory /memory: 3 processes of containers have no v2 cgroup of their own", ""},
        Choice{"v1", CgroupChoice::kAuto, kV1, 0, "4 memory /memory: no cgroup2 tree is mounted",
               ""},
        Choice{"v1_without_memory", CgroupChoice::kAuto, kPidsOnly, 0,
               "9 pids /pids: no cgroup2 tree is mounted", ""},
        Choice{"v1_forced", CgroupChoice::kV1, kHybrid, 0, "4 memory /memory: as asked for", ""},
        Choice{"v2_forced", CgroupChoice::kV2, kHybrid, 3, "0  /v2: as asked for", ""},
        Choice{"v2_forced_where_there_is_none", CgroupChoice::kV2, kV1, 0, "",
               "no cgroup2 tree is mounted"},
        Choice{"v1_forced_where_there_is_none", CgroupChoice::kV1, kV2, 0, "",
               "no v1 hierarchy with the memory or the pids controller"},
        Choice{"nothing", CgroupChoice::kAuto, {}, 0, "", "no cgroup2 tree and no v1 hierarchy"},
        Choice{"only_parts", CgroupChoice::kAuto, kPart, 0, "",
               "/sys/fs/cgroup, /other shows a cgroup namespace's part"}),
    [](const auto& test) { return test.param.name; });

TEST(CgroupMounts, NamesItsLayout) {
  EXPECT_EQ(kV2.Layout(), "v2");
  EXPECT_EQ(kHybrid.Layout(), "hybrid");
  EXPECT_EQ(kPidsOnly.Layout(), "v1");
  EXPECT_EQ(kPart.Layout(), "none");
}

}  // namespace
}  // namespace leadline::agent::source
