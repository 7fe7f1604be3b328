#include "agent/cgroup_inventory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/entity_id.h"
#include "prometheus/registry.h"

namespace leadline::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kContainer[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kPodPath = "/kubepods/burstable/pod11111111-2222-3333-4444-555555555555";
const std::string kContainerPath = kPodPath + "/" + kContainer;

// A tree of plain directories stands for the hierarchy: ids are inode numbers there too.
class CgroupInventoryTest : public testing::Test {
 protected:
  CgroupInventoryTest()
      : root_(std::filesystem::temp_directory_path() /
              ("leadline-tree-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_);
    inventory_.emplace(0, root_, 1000, resolver_);
  }
  ~CgroupInventoryTest() override { std::filesystem::remove_all(root_); }

  uint64_t Make(const std::string& path) {
    std::filesystem::create_directories(root_ + path);
    struct stat info {};
    EXPECT_EQ(stat((root_ + path).c_str(), &info), 0);
    return info.st_ino;
  }

  void SetModified(const std::string& path, int64_t unix_ms) {
    const timespec time{.tv_sec = unix_ms / 1000, .tv_nsec = unix_ms % 1000 * 1'000'000};
    const timespec times[2] = {time, time};
    EXPECT_EQ(utimensat(AT_FDCWD, (root_ + path).c_str(), times, 0), 0);
  }

  std::string root_;
  prometheus::Registry registry_;
  meta::MetadataResolver resolver_{{.cluster = "c", .node = "n", .boot_id = "b"}, registry_};
  std::optional<CgroupInventory> inventory_;
};

TEST_F(CgroupInventoryTest, AWalkFindsWhatIsThereAndWhatIsGone) {
  const uint64_t container = Make(kContainerPath);
  const uint64_t nested = Make(kContainerPath + "/inner");
  ASSERT_TRUE(inventory_->Walk(2000).ok());
  const Cgroup* found = inventory_->Find(container);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->path, kContainerPath);
  EXPECT_EQ(found->entity, ContainerId(kContainer));
  EXPECT_TRUE(found->is_whole_container());
  ASSERT_NE(inventory_->Find(nested), nullptr);
  EXPECT_EQ(inventory_->Find(nested)->entity, ContainerId(kContainer));
  EXPECT_FALSE(inventory_->Find(nested)->is_whole_container());

  std::filesystem::remove_all(root_ + kContainerPath + "/inner");
  ASSERT_TRUE(inventory_->Walk(3000).ok());
  EXPECT_THAT(inventory_->EndedIds(), ElementsAre(nested));
  EXPECT_NE(inventory_->Find(nested), nullptr) << "its last samples are still to be read";
  inventory_->DropEnded();
  EXPECT_EQ(inventory_->Find(nested), nullptr);
}

TEST_F(CgroupInventoryTest, OnlyTheOutermostContainerIsAWholeOne) {
  const std::string inner_path = kContainerPath + "/docker/" + std::string(64, 'b');
  const uint64_t container = Make(kContainerPath);
  const uint64_t inner = Make(inner_path);
  ASSERT_TRUE(inventory_->Walk(2000).ok());
  EXPECT_EQ(inventory_->Find(inner)->entity, ContainerId(std::string(64, 'b')));
  EXPECT_FALSE(inventory_->Find(inner)->is_whole_container());
  EXPECT_EQ(inventory_->Find(inner)->Outer(), kContainerPath);
  EXPECT_TRUE(inventory_->Find(container)->is_whole_container());
}

TEST_F(CgroupInventoryTest, ACgroupIsNoYoungerThanTheProcessesBelowIt) {
  // As crun has it: the container's processes are one level deeper.
  const uint64_t container = Make(kContainerPath);
  Make(kContainerPath + "/container");
  std::ofstream(root_ + kContainerPath + "/container/cgroup.procs") << getpid() << "\n";
  ASSERT_TRUE(inventory_->Walk(1LL << 40).ok());
  EXPECT_LT(inventory_->Find(container)->start_ms, 1LL << 40);
}

TEST_F(CgroupInventoryTest, ACgroupWithoutProcessesIsAsOldAsItsDirectory) {
  const uint64_t container = Make(kContainerPath);
  const uint64_t before_boot = Make("/before");
  SetModified(kContainerPath, 1500);
  SetModified("/before", 500);
  ASSERT_TRUE(inventory_->Walk(2000).ok());
  EXPECT_EQ(inventory_->Find(container)->start_ms, 1500);
  EXPECT_EQ(inventory_->Find(before_boot)->start_ms, 1000);
}

TEST_F(CgroupInventoryTest, AWalkDoesNotEndWhatIsTooDeepForIt) {
  std::string path = kContainerPath;
  for (int level = 0; level < 80; ++level) path += "/x";
  const uint64_t deep = Make(path);
  inventory_->Appeared(deep, path, 1500);
  ASSERT_TRUE(inventory_->Walk(2000).ok());
  EXPECT_THAT(inventory_->EndedIds(), IsEmpty());
  std::filesystem::remove(root_ + path);
  ASSERT_TRUE(inventory_->Walk(3000).ok());
  EXPECT_THAT(inventory_->EndedIds(), ElementsAre(deep));
}

TEST_F(CgroupInventoryTest, ACgroupThatCameAndWentBetweenTwoIntervalsIsThereUntilItIsDropped) {
  inventory_->Appeared(7, kContainerPath, 2000);
  inventory_->Ended(7, 2200);
  EXPECT_THAT(inventory_->EndedIds(), ElementsAre(7));
  ASSERT_NE(inventory_->Find(7), nullptr);
  EXPECT_EQ(inventory_->Find(7)->entity, ContainerId(kContainer));
}

TEST_F(CgroupInventoryTest, TheEndOfAnUnknownCgroupIsNothing) {
  inventory_->Ended(7, 2200);
  EXPECT_THAT(inventory_->EndedIds(), IsEmpty());
}

TEST_F(CgroupInventoryTest, ARequestedWalkIsDueAtOnce) {
  ASSERT_TRUE(inventory_->Walk(2000).ok());
  const uint64_t late = Make("/late");
  ASSERT_TRUE(inventory_->WalkIfDue(3000).ok());
  EXPECT_EQ(inventory_->Find(late), nullptr);
  inventory_->RequestWalk();
  ASSERT_TRUE(inventory_->WalkIfDue(3000).ok());
  EXPECT_NE(inventory_->Find(late), nullptr);
}

TEST_F(CgroupInventoryTest, AWalkIsDueAfterAWhileAndWhenTheClockWasSetBack) {
  ASSERT_TRUE(inventory_->Walk(2'000'000).ok());
  const uint64_t late = Make("/late");
  ASSERT_TRUE(inventory_->WalkIfDue(2'029'999).ok());
  EXPECT_EQ(inventory_->Find(late), nullptr);
  ASSERT_TRUE(inventory_->WalkIfDue(2'030'000).ok());
  EXPECT_NE(inventory_->Find(late), nullptr);
  const uint64_t later = Make("/later");
  ASSERT_TRUE(inventory_->WalkIfDue(1'000'000).ok());
  EXPECT_NE(inventory_->Find(later), nullptr);
}

TEST_F(CgroupInventoryTest, ACgroupIsKnownByItsHierarchyToo) {
  CgroupInventory v1(4, root_, 1000, resolver_);
  const uint64_t other = Make("/system.slice");
  inventory_->Appeared(other, "/system.slice", 2000);
  v1.Appeared(other, "/system.slice", 2000);
  EXPECT_EQ(inventory_->Find(other)->entity, CgroupId("b", 0, other));
  EXPECT_EQ(v1.Find(other)->entity, CgroupId("b", 4, other));
  v1.Ended(other, 3000);
  resolver_.TakeUpdates();
  EXPECT_EQ(resolver_.Find(CgroupId("b", 0, other))->end_ms, 0);
  EXPECT_EQ(resolver_.Find(CgroupId("b", 4, other))->end_ms, 3000);
}

TEST_F(CgroupInventoryTest, AMissingTreeIsAnError) {
  CgroupInventory missing(0, root_ + "/nowhere", 1000, resolver_);
  EXPECT_EQ(missing.Walk(2000).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.walks(), 0u);
}

}  // namespace
}  // namespace leadline::agent
