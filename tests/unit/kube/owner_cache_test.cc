#include "kube/owner_cache.h"

#include <gtest/gtest.h>

namespace leadline::kube {
namespace {

OwnerEntry Parent(const std::string& name) {
  return {.parent = Owner{"apps/v1", "Deployment", name, "uid-" + name}};
}

TEST(OwnerCache, KeepsAnEntryForItsTime) {
  OwnerCache cache(10);
  cache.Put("a", Parent("web"), 100);
  ASSERT_NE(cache.Get("a", 99), nullptr);
  EXPECT_EQ(cache.Get("a", 99)->parent->name, "web");
  EXPECT_EQ(cache.Get("a", 100), nullptr);
  EXPECT_EQ(cache.Get("b", 0), nullptr);
  cache.Put("a", {.end = ChainEnd::kForbidden}, 200);
  ASSERT_NE(cache.Get("a", 150), nullptr);
  EXPECT_EQ(cache.Get("a", 150)->end, ChainEnd::kForbidden);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(OwnerCache, ForgetsTheLeastRecentlyUsed) {
  OwnerCache cache(2);
  cache.Put("a", Parent("a"), 100);
  cache.Put("b", Parent("b"), 100);
  cache.Get("a", 0);
  cache.Put("c", Parent("c"), 100);
  EXPECT_NE(cache.Get("a", 0), nullptr);
  EXPECT_EQ(cache.Get("b", 0), nullptr);
  EXPECT_NE(cache.Get("c", 0), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace leadline::kube
