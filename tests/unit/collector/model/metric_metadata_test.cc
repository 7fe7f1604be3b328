#include "collector/model/metric_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(MetricMetadata, KeepsTheNewestByTenant) {
  MetricMetadata metadata;
  const MetricMetadata::Entry up{.type = "gauge", .help = "Up.", .unit = ""};
  EXPECT_TRUE(metadata.Set("a", "up", {.type = "unknown"}));
  EXPECT_TRUE(metadata.Set("a", "up", up));
  EXPECT_TRUE(metadata.Set("a", "down", {.type = "counter"}));
  EXPECT_THAT(metadata.Get("a", ""), ElementsAre(Pair("down", testing::_), Pair("up", up)));
  EXPECT_THAT(metadata.Get("a", "up"), ElementsAre(Pair("up", up)));
  EXPECT_THAT(metadata.Get("a", "sideways"), IsEmpty());
  EXPECT_THAT(metadata.Get("b", ""), IsEmpty());
}

TEST(MetricMetadata, IsBounded) {
  MetricMetadata metadata;
  std::string help(MetricMetadata::kMaxTextBytes - 1, 'x');
  help += "ä";  // half of it would fit
  EXPECT_TRUE(metadata.Set("a", "0", {.help = help}));
  EXPECT_EQ(metadata.Get("a", "0").at("0").help, help.substr(0, help.size() - 2));
  for (size_t i = 1; i < MetricMetadata::kMaxMetrics; ++i) {
    ASSERT_TRUE(metadata.Set("a", std::to_string(i), {}));
  }
  EXPECT_FALSE(metadata.Set("a", "one too many", {}));
  EXPECT_TRUE(metadata.Set("a", "1", {.type = "gauge"}));
  EXPECT_TRUE(metadata.Set("b", "one too many", {}));
}

}  // namespace
}  // namespace leadline::collector::model
