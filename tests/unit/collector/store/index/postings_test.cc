#include "collector/store/index/postings.h"

#include <random>
#include <set>
#include <utility>

#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

TEST(Postings, AreASetInEveryForm) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Postings postings;
    std::set<uint32_t> expected;
    const size_t size = random() % (round % 2 == 0 ? 8 : 200);
    const bool ascending = random() % 2 == 0;
    for (uint32_t i = 0; i < size; ++i) {
      const uint32_t ordinal = ascending ? 3 * i : random() % 1000;
      postings.Add(ordinal);
      postings.Add(ordinal);
      expected.insert(ordinal);
    }
    ASSERT_EQ(postings.size(), expected.size());
    ASSERT_EQ(postings.empty(), expected.empty());
    const Postings moved = std::move(postings);
    Roaring all;
    moved.AddTo(all);
    ASSERT_EQ(std::set<uint32_t>(all.begin(), all.end()), expected);
    for (uint32_t ordinal = 0; ordinal < 1000; ++ordinal) {
      ASSERT_EQ(moved.Contains(ordinal), expected.contains(ordinal));
    }
  }
}

TEST(Postings, TakeNothingWhileTheyAreTwo) {
  Postings postings;
  postings.Add(7);
  postings.Add(5);
  EXPECT_EQ(postings.heap_bytes(), 0u);
  static_assert(sizeof(Postings) == 16);
  postings = {};
  EXPECT_TRUE(postings.empty());
  for (uint32_t i = 0; i < 100; ++i) postings.Add(i);
  postings = {};
  EXPECT_TRUE(postings.empty());
}

}  // namespace
}  // namespace leadline::collector::store::index
