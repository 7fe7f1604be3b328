#include "collector/store/index/label_rows.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

using testing::ElementsAre;

class LabelRowsTest : public testing::Test {
 protected:
  ~LabelRowsTest() override {
    for (const LabelId id : kept_) LabelTable::Get().Release(id);
  }

  std::vector<LabelId> Ids(const std::vector<std::pair<std::string, std::string>>& labels) {
    std::vector<LabelId> ids;
    for (const auto& [name, value] : labels) {
      ids.push_back(LabelTable::Get().Acquire({name, value}));
    }
    kept_.insert(kept_.end(), ids.begin(), ids.end());
    return ids;
  }

  std::vector<LabelId> kept_;
  LabelRows rows_;
};

TEST_F(LabelRowsTest, RowsWithTheSameNamesHaveOneShape) {
  const std::vector<LabelId> a1 = Ids({{"a", "1"}, {"b", "1"}});
  const std::vector<LabelId> a2 = Ids({{"a", "2"}, {"b", "1"}});
  const std::vector<LabelId> other = Ids({{"a", "1"}, {"c", "1"}});
  const std::vector<LabelId> shorter = Ids({{"a", "1"}});
  const LabelRows::Row first = rows_.Add(a1);
  const LabelRows::Row second = rows_.Add(other);
  const LabelRows::Row third = rows_.Add(a2);
  const LabelRows::Row fourth = rows_.Add(shorter);
  EXPECT_EQ(first.shape, third.shape);
  EXPECT_NE(first.shape, second.shape);
  EXPECT_NE(first.shape, fourth.shape);
  EXPECT_EQ(rows_.IdsOf(first), a1);
  EXPECT_EQ(rows_.IdsOf(second), other);
  EXPECT_EQ(rows_.IdsOf(third), a2);
  EXPECT_EQ(rows_.IdsOf(fourth), shorter);
  EXPECT_THAT(rows_.NamesOf(first.shape), ElementsAre("a", "b"));
  EXPECT_THAT(rows_.NamesOf(second.shape), ElementsAre("a", "c"));
  EXPECT_THAT(rows_.NamesOf(fourth.shape), ElementsAre("a"));
}

TEST_F(LabelRowsTest, ARowWithoutLabelsIsEmpty) {
  rows_.Add(Ids({{"a", "1"}}));
  const LabelRows::Row none = rows_.Add({});
  EXPECT_TRUE(rows_.IdsOf(none).empty());
  EXPECT_TRUE(rows_.NamesOf(none.shape).empty());
  EXPECT_TRUE(rows_.IdsOf(LabelRows::Row()).empty());
}

}  // namespace
}  // namespace leadline::collector::store::index
