#include "agent/source/open_files.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

class OpenFilesTest : public testing::Test {
 protected:
  OpenFilesTest() {
    root_ = std::filesystem::temp_directory_path() / ("leadline-files-" + std::to_string(getpid()));
    std::filesystem::create_directories(root_);
  }
  ~OpenFilesTest() override { std::filesystem::remove_all(root_); }

  std::string Path(const char* name) const { return root_ / name; }
  std::string Write(const char* name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }

  std::filesystem::path root_;
};

TEST_F(OpenFilesTest, OpensAFileOnceAndSeesItsChanges) {
  OpenFiles files(10);
  const std::string path = Write("a", "1\n");
  for (const char* text : {"1\n", "22\n", "", "3\n"}) {
    Write("a", text);
    EXPECT_EQ(files.Read(path), text);
    files.EndRound();
  }
  EXPECT_EQ(files.counts().opened, 1u);
  EXPECT_EQ(files.counts().open, 1u);
}

TEST_F(OpenFilesTest, ReadsFilesThatAreLongerThanItsBuffer) {
  OpenFiles files(10);
  const std::string text(100'000, 'x');
  const std::string path = Write("long", text);
  EXPECT_EQ(files.Read(path, OpenFiles::Records::kMany), text);
  EXPECT_EQ(files.Read(path, OpenFiles::Records::kOne), text);
}

TEST_F(OpenFilesTest, WhatIsTooLongIsCountedNotCut) {
  OpenFiles files(10);
  const std::string path = Write("huge", std::string(OpenFiles::kMaxBytes + 1, 'x'));
  EXPECT_EQ(files.Read(path), std::nullopt);
  EXPECT_EQ(files.counts().failed, 1u);
  EXPECT_EQ(files.counts().open, 0u);
}

TEST_F(OpenFilesTest, ClosesWhatARoundDidNotRead) {
  OpenFiles files(10);
  const std::string a = Write("a", "1");
  const std::string b = Write("b", "2");
  files.Read(a);
  files.Read(b);
  files.EndRound();
  files.Read(a);
  files.EndRound();
  EXPECT_EQ(files.counts().open, 1u);
  EXPECT_EQ(files.Read(b), "2");
}

TEST_F(OpenFilesTest, PastTheLimitItReadsAllTheSameAndCounts) {
  OpenFiles files(1);
  const std::string a = Write("a", "1");
  const std::string b = Write("b", "2");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(files.Read(a), "1");
    EXPECT_EQ(files.Read(b), "2");
    files.EndRound();
  }
  EXPECT_EQ(files.counts().open, 1u);
  EXPECT_EQ(files.counts().not_kept, 3u);
}

TEST_F(OpenFilesTest, LooksForAMissingFileLessAndLessOften) {
  OpenFiles files(10);
  const std::string path = Path("late");
  EXPECT_EQ(files.Read(path), std::nullopt);  // then after 1, 2, 4 rounds
  Write("late", "here");
  EXPECT_EQ(files.Read(path), std::nullopt) << "in the same round";
  files.EndRound();
  EXPECT_EQ(files.Read(path), "here");
  EXPECT_EQ(files.counts().failed, 0u) << "a file that is not there is no failure";
}

TEST_F(OpenFilesTest, AFileThatIsThereAndCannotBeReadIsCounted) {
  OpenFiles files(10);
  std::filesystem::create_directories(root_ / "folder");
  EXPECT_EQ(files.Read(Path("folder")), std::nullopt);
  EXPECT_EQ(files.counts().failed, 1u);
  EXPECT_EQ(files.counts().open, 0u);
}

// Exits with 0 where `descriptors` are enough, else with 1 and the reason; in a process of its own,
// since the hard limit does not go up again.
void CheckWith(rlim_t descriptors) {
  const rlimit limit{.rlim_cur = descriptors / 2, .rlim_max = descriptors};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) _exit(2);
  const absl::Status status = CheckDescriptorLimit();
  std::cerr << status.message() << std::endl;
  _exit(status.ok() ? 0 : 1);
}

TEST(DescriptorLimit, TooFewAreAnErrorAndTheSoftOneIsRaised) {
  EXPECT_EXIT(CheckWith(48), testing::ExitedWithCode(1), "may open only 48 files, and needs 512");
  EXPECT_EXIT(CheckWith(kLeastDescriptors - 1), testing::ExitedWithCode(1), "only 511 files");
  EXPECT_EXIT(CheckWith(kLeastDescriptors), testing::ExitedWithCode(0), "");
}

// A removed cgroup's files give ENODEV, also when one of the same path has been made since.
TEST_F(OpenFilesTest, FindsACgroupThatWasMadeAgain) {
  std::string mount_point;
  for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    if (std::filesystem::exists(std::string(path) + "/cgroup.controllers")) mount_point = path;
  }
  const std::string cgroup = mount_point + "/leadline-files-" + std::to_string(getpid());
  std::error_code error;
  if (mount_point.empty() || !std::filesystem::create_directory(cgroup, error)) {
    GTEST_SKIP() << "no cgroup can be made here: " << error.message();
  }
  OpenFiles files(10);
  const std::string path = cgroup + "/cgroup.events";
  EXPECT_EQ(files.Read(path, OpenFiles::Records::kOne), "populated 0\nfrozen 0\n");
  std::filesystem::remove(cgroup);
  EXPECT_EQ(files.Read(path), std::nullopt);
  files.EndRound();
  std::filesystem::create_directory(cgroup);
  EXPECT_EQ(files.Read(path, OpenFiles::Records::kOne), "populated 0\nfrozen 0\n");
  EXPECT_EQ(files.counts().open, 1u);
  std::filesystem::remove(cgroup);
}

}  // namespace
}  // namespace leadline::agent::source
