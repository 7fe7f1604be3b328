#include <unistd.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/file/files.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::file {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PosixFilesTest : public testing::Test {
 protected:
  TempDir dir_;
  Files& files_ = PosixFiles();
};

TEST_F(PosixFilesTest, AppendsTruncatesAndReads) {
  const std::string path = dir_.File("f");
  {
    auto file = files_.Create(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append("abcdef").ok());
    ASSERT_TRUE((*file)->Truncate(3).ok());
    ASSERT_TRUE((*file)->Append("X").ok());
    ASSERT_TRUE((*file)->Sync().ok());
  }
  auto again = files_.OpenForAppend(path);
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE((*again)->Append("Y").ok());
  EXPECT_EQ(*files_.Read(path), "abcXY");
  ASSERT_TRUE(files_.Create(path).ok());
  EXPECT_EQ(*files_.Read(path), "");
}

TEST_F(PosixFilesTest, KnowsHowLargeAFileIs) {
  const auto file = PosixFiles().Create(dir_.File("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("12345").ok());
  EXPECT_EQ(PosixFiles().SizeBytes(dir_.File("a")).value_or(0), 5u);
  EXPECT_TRUE(absl::IsNotFound(PosixFiles().SizeBytes(dir_.File("b")).status()));
}

TEST_F(PosixFilesTest, ReadsMoreThanABuffer) {
  const std::string contents(3'000'001, 'x');
  ASSERT_TRUE((*files_.Create(dir_.File("f")))->Append(contents).ok());
  EXPECT_EQ(*files_.Read(dir_.File("f")), contents);
}

TEST_F(PosixFilesTest, ListsRenamesAndRemoves) {
  ASSERT_TRUE(files_.MakeDirs(dir_.File("a/b")).ok());
  ASSERT_TRUE(files_.Create(dir_.File("z")).ok());
  ASSERT_TRUE(files_.Create(dir_.File("a/b/c")).ok());
  EXPECT_THAT(*files_.List(dir_.path()), ElementsAre("a", "z"));
  ASSERT_TRUE(files_.Rename(dir_.File("z"), dir_.File("y")).ok());
  ASSERT_TRUE(files_.SyncDir(dir_.path()).ok());
  ASSERT_TRUE(files_.Remove(dir_.File("a")).ok());
  EXPECT_THAT(*files_.List(dir_.path()), ElementsAre("y"));
}

TEST_F(PosixFilesTest, ErrorsSayWhatAndWhere) {
  const std::string path = dir_.File("none");
  const absl::Status statuses[] = {
      files_.Read(path).status(),          files_.OpenForAppend(path).status(),
      files_.List(path).status(),          files_.SyncDir(path),
      files_.Rename(path, path + "2"),     files_.Remove(path),
      files_.Create(path + "/f").status(), files_.Lock(path + "/LOCK").status()};
  for (const absl::Status& status : statuses) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST_F(PosixFilesTest, AFullDiskIsResourceExhausted) {
  auto full = files_.OpenForAppend("/dev/full");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ((*full)->Append("x").code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(PosixFilesTest, ALockIsHeldOnceAndNamesItsOwner) {
  auto lock = files_.Lock(dir_.File("LOCK"));
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto second = files_.Lock(dir_.File("LOCK"));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(std::to_string(getpid())));
  lock->reset();
  EXPECT_TRUE(files_.Lock(dir_.File("LOCK")).ok());
}

TEST_F(PosixFilesTest, ReplacesAFileAsAWhole) {
  ASSERT_TRUE(ReplaceFile(files_, dir_.path(), "f", "one").ok());
  ASSERT_TRUE(ReplaceFile(files_, dir_.path(), "f", "2").ok());
  EXPECT_EQ(*files_.Read(dir_.File("f")), "2");
  EXPECT_THAT(*files_.List(dir_.path()), ElementsAre("f"));
}

}  // namespace
}  // namespace leadline::collector::store::file
