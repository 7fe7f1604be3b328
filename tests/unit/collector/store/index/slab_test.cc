#include "collector/store/index/slab.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

// Objects keep what is in them while others come and go, small ones and large ones.
TEST(Slab, ObjectsAreTheirOwn) {
  std::mt19937_64 random(5);
  Slab slab;
  std::map<Slab::Ref, std::string> objects;
  for (int i = 0; i < 50'000; ++i) {
    if (random() % 3 == 0 && !objects.empty()) {
      auto it = objects.lower_bound(static_cast<Slab::Ref>(random() % (uint64_t{1} << 20)));
      if (it == objects.end()) it = objects.begin();
      ASSERT_EQ(std::memcmp(slab.At(it->first), it->second.data(), it->second.size()), 0);
      slab.Deallocate(it->first, it->second.size());
      objects.erase(it);
      continue;
    }
    const size_t bytes = random() % 50 == 0 ? 200 + random() % 50'000 : 1 + random() % 60;
    const Slab::Ref ref = slab.Allocate(bytes);
    ASSERT_EQ(reinterpret_cast<uintptr_t>(slab.At(ref)) % 4, 0u);
    const auto [it, is_new] = objects.emplace(ref, std::string(bytes, static_cast<char>(random())));
    ASSERT_TRUE(is_new);
    std::memcpy(slab.At(ref), it->second.data(), bytes);
  }
  for (const auto& [ref, text] : objects) {
    ASSERT_EQ(std::memcmp(slab.At(ref), text.data(), text.size()), 0);
  }
}

TEST(Slab, WhatIsFreedIsUsedAgain) {
  Slab slab;
  for (const size_t bytes : {size_t{20}, size_t{48}, size_t{100'000}}) {
    const Slab::Ref first = slab.Allocate(bytes);
    const Slab::Ref second = slab.Allocate(bytes);
    EXPECT_NE(first, second);
    slab.Deallocate(first, bytes);
    EXPECT_EQ(slab.Allocate(bytes), first);
  }
}

}  // namespace
}  // namespace leadline::collector::store::index
