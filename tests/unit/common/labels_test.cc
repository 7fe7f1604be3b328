#include "common/labels.h"

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(LabelSet, SortsKeepsTheLastOfEqualNamesAndDropsEmptyValues) {
  const LabelSet set({{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", ""}});
  EXPECT_EQ(set.ToString(), R"({a="2", b="3"})");
  EXPECT_EQ(set.Get("b"), "3");
  EXPECT_EQ(set.Get("c"), "");
}

TEST(LabelSet, AnEmptyLastValueRemovesTheLabel) {
  EXPECT_TRUE(LabelSet({{"a", "1"}, {"a", ""}}).empty());
}

TEST(LabelSet, SetInsertsReplacesAndRemoves) {
  LabelSet set;
  set.Set("pod", "web");
  set.Set("namespace", "shop");
  set.Set("pod", "web-1");
  EXPECT_EQ(set, LabelSet({{"namespace", "shop"}, {"pod", "web-1"}}));
  set.Remove("pod");
  EXPECT_EQ(set.ToString(), R"({namespace="shop"})");
}

TEST(LabelSet, EscapesValues) {
  EXPECT_EQ(LabelSet({{"a", "x\"\\\n"}}).ToString(), R"({a="x\"\\\n"})");
}

TEST(LabelSet, QuotesNamesThatAreNoIdentifiers) {
  EXPECT_EQ(LabelSet({{"a.b", "1"}, {"c\"d", "2"}, {"_1", "3"}, {"1_", "4"}}).ToString(),
            R"({"1_"="4", _1="3", "a.b"="1", "c\"d"="2"})");
}

TEST(IsValidLabelName, IsAnyUtf8ButNothing) {
  EXPECT_TRUE(IsValidLabelName("a.b"));
  EXPECT_TRUE(IsValidLabelName("größe"));
  EXPECT_FALSE(IsValidLabelName(""));
  EXPECT_FALSE(IsValidLabelName("a\xff"));
}

TEST(KubernetesLabelName, FollowsKubeStateMetrics) {
  EXPECT_EQ(KubernetesLabelName("app.kubernetes.io/name"), "label_app_kubernetes_io_name");
  EXPECT_EQ(KubernetesLabelName("tier"), "label_tier");
}

}  // namespace
}  // namespace leadline
