#include "collector/store/head/entity_changes.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::head {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Id128 Id(uint64_t number) { return {.high = 1, .low = number}; }

TEST(EntityChanges, GivesThoseSince) {
  EntityChanges changes;
  std::vector<Id128> out;
  EXPECT_TRUE(changes.Since(0, 10, out));
  EXPECT_THAT(out, IsEmpty());
  for (uint64_t i = 0; i < 5; ++i) changes.Add(Id(i));
  EXPECT_EQ(changes.count(), 5u);
  EXPECT_TRUE(changes.Since(3, 10, out));
  EXPECT_THAT(out, ElementsAre(Id(3), Id(4)));
  out.clear();
  EXPECT_TRUE(changes.Since(5, 0, out));
  EXPECT_FALSE(changes.Since(2, 2, out));
  EXPECT_THAT(out, IsEmpty());
}

TEST(EntityChanges, KnowsTheNewest) {
  EntityChanges changes;
  constexpr uint64_t kChanges = EntityChanges::kKept * 2 + 7;
  for (uint64_t i = 0; i < kChanges; ++i) changes.Add(Id(i));
  std::vector<Id128> out;
  EXPECT_FALSE(changes.Since(kChanges - EntityChanges::kKept - 1, kChanges, out));
  EXPECT_TRUE(changes.Since(kChanges - EntityChanges::kKept, kChanges, out));
  ASSERT_EQ(out.size(), EntityChanges::kKept);
  for (size_t i = 0; i < out.size(); ++i) {
    ASSERT_EQ(out[i], Id(kChanges - EntityChanges::kKept + i)) << i;
  }
}

}  // namespace
}  // namespace leadline::collector::store::head
