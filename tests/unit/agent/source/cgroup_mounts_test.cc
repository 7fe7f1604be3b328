#include "agent/source/cgroup_mounts.h"

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

struct Case {
  std::string name;
  std::string mountinfo;
  std::string v2;
  std::string cpuacct;
  std::string memory;
};

class CgroupMountsTest : public testing::TestWithParam<Case> {};

TEST_P(CgroupMountsTest, FindsTheHierarchies) {
  const auto mounts = CgroupMounts::Parse(GetParam().mountinfo);
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
        Case{"empty", "", "", "", ""}),
    [](const auto& test) { return test.param.name; });

TEST(CgroupMounts, FindsEachController) {
  const auto mounts = CgroupMounts::Parse(
      "35 30 0:31 / /cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "36 30 0:32 / /memory rw - cgroup cgroup rw,memory\n"
      "37 30 0:33 / /blkio rw - cgroup cgroup rw,blkio\n"
      "38 30 0:34 / /pids rw - cgroup cgroup rw,pids\n");
  ASSERT_TRUE(mounts.ok()) << mounts.status();
  EXPECT_EQ(mounts->v1_cpuacct, "/cpu,cpuacct");
  EXPECT_EQ(mounts->v1_cpu, "/cpu,cpuacct");
  EXPECT_EQ(mounts->v1_memory, "/memory");
  EXPECT_EQ(mounts->v1_blkio, "/blkio");
  EXPECT_EQ(mounts->v1_pids, "/pids");
}

TEST(CgroupMounts, NamesTheLineThatIsNotUnderstood) {
  const auto mounts = CgroupMounts::Parse("31 30 0:27 / /a rw cgroup2\n");
  EXPECT_EQ(mounts.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(mounts.status().message().find("31 30 0:27"), std::string::npos);
}

}  // namespace
}  // namespace leadline::agent::source
