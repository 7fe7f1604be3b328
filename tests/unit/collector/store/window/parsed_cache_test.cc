#include "collector/store/window/parsed_cache.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "collector/store/window/rocks.h"

namespace leadline::collector::store::window {
namespace {

constexpr size_t kCacheBytes = 1 << 20;
constexpr size_t kTextBytes = 10'000;

// More than there is room for.
void Fill(const ParsedCache& cache) {
  for (int i = 0; i < 500; ++i) {
    cache.Put<std::string>("other " + std::to_string(i), std::make_shared<const std::string>("x"),
                           kTextBytes);
  }
}

TEST(ParsedCacheTest, KeepsWhatIsInUse) {
  const ParsedCache cache(MakeBlockCache(kCacheBytes));
  cache.Put<std::string>("put", std::make_shared<const std::string>("a"), kTextBytes);
  auto put =
      cache.PutInUse<std::string>("in use", std::make_shared<const std::string>("b"), kTextBytes);
  EXPECT_EQ(*put, "b");
  Fill(cache);
  EXPECT_EQ(cache.Get<std::string>("put"), nullptr);
  auto got = cache.GetInUse<std::string>("in use");
  ASSERT_NE(got, nullptr);
  EXPECT_EQ(got.get(), put.get());
  put = nullptr;
  Fill(cache);
  got = nullptr;
  // Used last.
  const auto after = cache.Get<std::string>("in use");
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(*after, "b");
}

TEST(ParsedCacheTest, KeepsWhatTakesAThirdOfIt) {
  constexpr size_t kManyBytes = 64 << 20;
  const ParsedCache cache(MakeBlockCache(kManyBytes));
  for (const char* const key : {"a", "b"}) {
    cache.PutInUse<std::string>(key, std::make_shared<const std::string>(key), kManyBytes / 3);
    const auto kept = cache.Get<std::string>(key);
    ASSERT_NE(kept, nullptr);
    EXPECT_EQ(*kept, key);
  }
}

TEST(ParsedCacheTest, WhatIsInUseOutlivesTheCache) {
  std::shared_ptr<const std::string> used;
  {
    const ParsedCache cache(MakeBlockCache(0));
    used = cache.PutInUse<std::string>("key", std::make_shared<const std::string>("a"), kTextBytes);
  }
  EXPECT_EQ(*used, "a");
  const ParsedCache none(nullptr);
  used = none.PutInUse<std::string>("key", std::make_shared<const std::string>("b"), kTextBytes);
  EXPECT_EQ(*used, "b");
  EXPECT_EQ(none.GetInUse<std::string>("key"), nullptr);
}

}  // namespace
}  // namespace leadline::collector::store::window
