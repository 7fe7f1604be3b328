#include "agent/source/cgroup_membership.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

TEST(CgroupPathOfAProcess, IsTheLineOfItsHierarchy) {
  constexpr char kText[] = "14:pids:/p\n4:memory,x:/a:b\n0::/kubepods/podx/c1\n";
  EXPECT_EQ(FindCgroupPath(kText, 0), "/kubepods/podx/c1");
  EXPECT_EQ(FindCgroupPath(kText, 4), "/a:b");
  EXPECT_EQ(FindCgroupPath(kText, 14), "/p");
  EXPECT_EQ(FindCgroupPath(kText, 1), std::nullopt);
  EXPECT_EQ(FindCgroupPath("4:memory:\n", 4), std::nullopt);
}

struct NamespaceCase {
  std::string root;
  std::string path;
  std::string resolved;
};

class CgroupNamespacePaths : public testing::TestWithParam<NamespaceCase> {};

TEST_P(CgroupNamespacePaths, AreTurnedIntoThoseOfTheHost) {
  std::string buffer;
  EXPECT_EQ(CgroupNamespace(GetParam().root).Resolve(GetParam().path, buffer), GetParam().resolved);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, CgroupNamespacePaths,
    testing::Values(NamespaceCase{"/", "/kubepods/c", "/kubepods/c"}, NamespaceCase{"", "/", "/"},
                    NamespaceCase{"/kubepods/pod1/c1", "/", "/kubepods/pod1/c1"},
                    NamespaceCase{"/kubepods/pod1/c1", "/inner", "/kubepods/pod1/c1/inner"},
                    NamespaceCase{"/kubepods/pod1/c1", "/../c2", "/kubepods/pod1/c2"},
                    NamespaceCase{"/kubepods/pod1/c1", "/../../pod2/c3", "/kubepods/pod2/c3"},
                    NamespaceCase{"/kubepods/pod1/c1", "/../../..", "/"},
                    NamespaceCase{"/kubepods/pod1/c1", "/../../../init.scope", "/init.scope"},
                    NamespaceCase{"/kubepods/pod1/c1", "/..c2", "/kubepods/pod1/c1/..c2"},
                    // Further up than there is; the kernel never says so.
                    NamespaceCase{"/kubepods", "/../../../x", "/x"}));

// Plain directories stand for the hierarchy.
class CgroupNamespaceTest : public testing::Test {
 protected:
  CgroupNamespaceTest()
      : root_(std::filesystem::temp_directory_path() /
              ("leadline-cgroup-namespace-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_ + "/kubepods/pod1/c1/inner");
    std::filesystem::create_directories(root_ + "/inner");
  }
  ~CgroupNamespaceTest() override { std::filesystem::remove_all(root_); }

  void PutThisProcessIn(const std::string& path) {
    std::ofstream(root_ + path + "/cgroup.procs") << "1\n" << getpid() << "\n";
  }

  const std::string root_;
};

TEST_F(CgroupNamespaceTest, OfTheHostIsSeenAtOnce) {
  PutThisProcessIn("/inner");
  EXPECT_EQ(CgroupNamespace::Find(root_, "/inner")->root(), "");
}

TEST_F(CgroupNamespaceTest, OfAContainerIsWhereItsProcessIs) {
  PutThisProcessIn("/kubepods/pod1/c1/inner");
  EXPECT_EQ(CgroupNamespace::Find(root_, "/inner")->root(), "/kubepods/pod1/c1");
  EXPECT_EQ(CgroupNamespace::Find(root_, "/")->root(), "/kubepods/pod1/c1/inner");
}

TEST_F(CgroupNamespaceTest, ThatCannotBeToldIsRefused) {
  PutThisProcessIn("/kubepods/pod1/c1/inner");
  const auto moved = CgroupNamespace::Find(root_, "/../c2");
  EXPECT_EQ(moved.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(moved.status().message().find("/../c2"), std::string::npos) << moved.status();
  std::filesystem::remove(root_ + "/kubepods/pod1/c1/inner/cgroup.procs");
  EXPECT_EQ(CgroupNamespace::Find(root_, "/").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(CountProcesses, CountsThoseWhoseFileMatches) {
  FileReader reader;
  const auto all = CountProcesses(reader, [](std::string_view) { return true; });
  ASSERT_TRUE(all.ok());
  EXPECT_GT(*all, 0u);
  EXPECT_EQ(*CountProcesses(reader, [](std::string_view) { return false; }), 0u);
}

}  // namespace
}  // namespace leadline::agent::source
