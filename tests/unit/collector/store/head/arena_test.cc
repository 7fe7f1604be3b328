#include "collector/store/head/arena.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector::store::head {
namespace {

TEST(PagePool, GivesPagesAgainAndHugePagesBack) {
  PagePool pool;
  EXPECT_EQ(pool.bytes(), 0u);
  std::vector<char*> pages;
  for (size_t i = 0; i < kHugePageBytes / PagePool::kPageBytes + 1; ++i) {
    pages.push_back(pool.Take());
    ASSERT_NE(pages.back(), nullptr);
    std::memset(pages.back(), static_cast<int>(i), PagePool::kPageBytes);
  }
  for (size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i][0], static_cast<char>(i));
    EXPECT_EQ(pages[i][PagePool::kPageBytes - 1], static_cast<char>(i));
  }
  EXPECT_EQ(pool.bytes(), 2 * kHugePageBytes);
  char* const given = pages[3];
  pages.erase(pages.begin() + 3);
  pool.GiveBack({&given, 1});
  EXPECT_EQ(pool.bytes(), 2 * kHugePageBytes);
  pages.push_back(pool.Take());  // of either huge page
  EXPECT_EQ(pool.bytes(), 2 * kHugePageBytes);
  pool.GiveBack(pages);
  EXPECT_EQ(pool.bytes(), 0u);
}

// Arenas that take turns have their own pieces, and give all of their pages back.
TEST(Arena, PiecesAreItsOwn) {
  const size_t before = PagePool::Get().bytes();
  std::mt19937_64 random(3);
  {
    std::vector<std::unique_ptr<Arena>> arenas(4);
    std::vector<std::map<Arena::Ref, size_t>> pieces(arenas.size());
    for (int i = 0; i < 40'000; ++i) {
      const size_t which = random() % arenas.size();
      if (random() % 5000 == 0) {
        arenas[which].reset();
        pieces[which].clear();
      }
      if (!arenas[which]) arenas[which] = std::make_unique<Arena>();
      Arena& arena = *arenas[which];
      const size_t bytes = random() % 500 == 0 ? Arena::kPageBytes / 2 : 1 + random() % 100;
      const Arena::Ref ref = arena.Allocate(bytes);
      ASSERT_NE(ref, 0u);
      ASSERT_EQ(ref % 8, 0u);
      std::memset(arena.At(ref), static_cast<int>(ref >> 3), bytes);
      pieces[which][ref] = bytes;
    }
    for (size_t which = 0; which < arenas.size(); ++which) {
      for (const auto& [ref, bytes] : pieces[which]) {
        const char* const at = arenas[which]->At(ref);
        const auto expected = static_cast<char>(ref >> 3);
        ASSERT_EQ(std::vector<char>(at, at + bytes), std::vector<char>(bytes, expected));
      }
    }
  }
  EXPECT_EQ(PagePool::Get().bytes(), before);
}

TEST(Arena, SmallOnesTakeNothingFromThePool) {
  const size_t before = PagePool::Get().bytes();
  Arena arena;
  while (arena.bytes() + 64 <= Arena::kPageBytes) ASSERT_NE(arena.Allocate(64), 0u);
  EXPECT_EQ(PagePool::Get().bytes(), before);
  while (arena.bytes() <= Arena::kPageBytes) ASSERT_NE(arena.Allocate(64), 0u);
  EXPECT_EQ(PagePool::Get().bytes(), before + kHugePageBytes);
}

}  // namespace
}  // namespace leadline::collector::store::head
