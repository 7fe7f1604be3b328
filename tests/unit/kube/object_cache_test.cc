#include "kube/object_cache.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<const Object> Make(const std::string& uid, const std::string& version) {
  auto object = std::make_shared<Object>();
  object->meta.uid = uid;
  object->meta.resource_version = version;
  return object;
}

class ObjectCacheTest : public testing::Test {
 protected:
  void Note(const Event& event) {
    constexpr const char* kNames[] = {"added", "modified", "deleted", "synced"};
    changes_.push_back(fmt::format("{} {}@{}", kNames[static_cast<int>(event.type)],
                                   event.object->meta.uid, event.object->meta.resource_version));
  }
  std::vector<std::string> Replace(std::vector<std::shared_ptr<const Object>> listed) {
    cache_.Replace(std::move(listed), [this](const Event& event) { Note(event); });
    return std::exchange(changes_, {});
  }
  std::vector<std::string> Set(const std::string& uid, const std::string& version) {
    cache_.Set(Make(uid, version), [this](const Event& event) { Note(event); });
    return std::exchange(changes_, {});
  }
  std::vector<std::string> Delete(const std::string& uid, const std::string& version) {
    cache_.Delete(Make(uid, version), [this](const Event& event) { Note(event); });
    return std::exchange(changes_, {});
  }

  ObjectCache cache_;
  std::vector<std::string> changes_;
};

TEST_F(ObjectCacheTest, AnObjectIsAddedOnceThenModified) {
  EXPECT_THAT(Set("a", "1"), ElementsAre("added a@1"));
  EXPECT_THAT(Set("a", "2"), ElementsAre("modified a@2"));
  EXPECT_EQ(cache_.size(), 1u);
}

TEST_F(ObjectCacheTest, AKnownVersionIsNoChange) {
  Set("a", "1");
  EXPECT_THAT(Set("a", "1"), IsEmpty());
  EXPECT_THAT(Replace({Make("a", "1")}), IsEmpty());
}

TEST_F(ObjectCacheTest, ObjectsWithoutVersionAlwaysChange) {
  EXPECT_THAT(Set("a", ""), ElementsAre("added a@"));
  EXPECT_THAT(Set("a", ""), ElementsAre("modified a@"));
}

TEST_F(ObjectCacheTest, ADeletionHandsOnTheLastState) {
  Set("a", "1");
  EXPECT_THAT(Delete("a", "5"), ElementsAre("deleted a@5"));
  EXPECT_EQ(cache_.size(), 0u);
  EXPECT_THAT(Delete("a", "5"), IsEmpty());
}

TEST_F(ObjectCacheTest, AListDeletesWhatItLacksBeforeItAdds) {
  Set("a", "1");
  Set("b", "2");
  EXPECT_THAT(Replace({Make("c", "4"), Make("b", "3")}),
              ElementsAre("deleted a@1", "added c@4", "modified b@3"));
  EXPECT_EQ(cache_.size(), 2u);
}

}  // namespace
}  // namespace leadline::kube
