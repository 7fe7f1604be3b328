#include "collector/api/cardinality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::api {
namespace {

using ::testing::ElementsAre;

TEST(Cardinality, CountsFromTheLargest) {
  const std::vector<std::vector<LabelView>> labels = {
      {{"__name__", "b"}, {"pod", "one"}, {"zone", "x"}},
      {{"__name__", "b"}, {"pod", "two"}, {"zone", "x"}},
      {{"__name__", "a"}, {"pod", "three"}}};
  const std::vector<LabelCounter::SeriesView> series(labels.begin(), labels.end());
  LabelCounter counter;
  counter.Add({series.data(), 1});
  counter.Add({series.data() + 1, 2});
  EXPECT_EQ(counter.series(), 3);
  const Cardinality found = counter.Largest(2);
  EXPECT_EQ(found.label_pairs, 6);
  EXPECT_THAT(found.series_by_metric, ElementsAre(NamedCount{"b", 2}, NamedCount{"a", 1}));
  EXPECT_THAT(found.values_by_label, ElementsAre(NamedCount{"pod", 3}, NamedCount{"__name__", 2}));
  EXPECT_THAT(found.bytes_by_label, ElementsAre(NamedCount{"pod", 11}, NamedCount{"__name__", 2}));
  EXPECT_THAT(found.series_by_pair,
              ElementsAre(NamedCount{"__name__=b", 2}, NamedCount{"zone=x", 2}));
}

TEST(Cardinality, OfNothingIsNothing) {
  EXPECT_EQ(LabelCounter().Largest(10).label_pairs, 0);
  EXPECT_TRUE(LabelCounter().Largest(10).series_by_pair.empty());
}

}  // namespace
}  // namespace leadline::collector::api
