#include "collector/store/index/smallest_texts.h"

#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

TEST(SmallestTexts, AreTheFirstOfAllThatCame) {
  std::mt19937 random(2);
  for (size_t round = 0; round < 200; ++round) {
    const size_t limit = round % 6;
    SmallestTexts texts(limit);
    std::set<std::string> all;
    const bool ascends = round % 3 != 0;  // mostly
    uint64_t next = 10;
    for (size_t i = random() % 30; i > 0; --i) {
      next = ascends && random() % 8 != 0 ? next + random() % 3 : 10 + random() % 40;
      const std::string text = std::to_string(next);
      const bool goes_on = texts.Add(text);
      all.insert(text);
      // False only where nothing greater than the text can come in.
      ASSERT_TRUE(goes_on ||
                  (limit > 0 && *std::next(all.begin(), static_cast<int>(limit) - 1) <= text));
      ASSERT_TRUE(texts.Knows(text));
    }
    std::vector<std::string> expected(all.begin(), all.end());
    if (limit > 0 && expected.size() > limit) expected.resize(limit);
    ASSERT_THAT(texts.Sorted(), testing::ElementsAreArray(expected));
  }
}

}  // namespace
}  // namespace leadline::collector::store::index
