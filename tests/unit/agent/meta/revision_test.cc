#include "agent/meta/revision.h"

#include <gtest/gtest.h>

namespace leadline::agent::meta {
namespace {

TEST(NextRevision, IsOrderedByTheResourceVersionFirst) {
  const uint64_t first =
      NextRevision(0, {.resource_version = 7, .owners_known = true, .ended = true});
  EXPECT_LT(first, NextRevision(0, {.resource_version = 8}));
  EXPECT_LT(NextRevision(0, {.resource_version = 7, .owners_known = true}), first);
  EXPECT_LT(NextRevision(0, {.resource_version = 7}),
            NextRevision(0, {.resource_version = 7, .owners_known = true}));
  EXPECT_LT(NextRevision(0, {}), NextRevision(0, {.resource_version = 1}));
}

TEST(NextRevision, TheBetterSourceOfANameWins) {
  const RevisionParts nobody{.resource_version = 7};
  const RevisionParts runtime{.resource_version = 7, .named_by = NamedBy::kRuntime};
  const RevisionParts api{.resource_version = 7, .named_by = NamedBy::kApi};
  EXPECT_LT(NextRevision(0, nobody), NextRevision(0, runtime));
  EXPECT_LT(NextRevision(0, runtime), NextRevision(0, api));
  EXPECT_LT(NextRevision(0, api), NextRevision(0, {.resource_version = 7, .owners_known = true}));
  EXPECT_LT(NextRevision(0, {.named_by = NamedBy::kRuntime}), NextRevision(0, nobody));
}

TEST(NextRevision, AlwaysGrows) {
  const uint64_t last = NextRevision(0, {.resource_version = 9});
  EXPECT_EQ(NextRevision(last, {.resource_version = 9}), last + 1);
  EXPECT_EQ(NextRevision(last, {.resource_version = 3}), last + 1);
  EXPECT_EQ(NextRevision(last, {}), last + 1);
}

TEST(NextRevision, KeepsTheOrderOfHugeVersions) {
  constexpr uint64_t kNanoseconds = 1'795'355'401'000'000'000;
  const uint64_t largest_usual = NextRevision(0, {.resource_version = (uint64_t{1} << 47) - 1});
  const uint64_t huge = NextRevision(0, {.resource_version = kNanoseconds});
  EXPECT_LT(largest_usual, NextRevision(0, {.resource_version = uint64_t{1} << 47}));
  EXPECT_LT(huge, NextRevision(0, {.resource_version = kNanoseconds + 1}));
}

TEST(ParseResourceVersion, TakesOnlyNumbers) {
  EXPECT_EQ(ParseResourceVersion("12345"), 12345u);
  EXPECT_EQ(ParseResourceVersion("18446744073709551615"), ~uint64_t{0});
  for (const char* text : {"", "abc", "12x", "-1", "18446744073709551616", " 1"}) {
    EXPECT_EQ(ParseResourceVersion(text), 0u) << text;
  }
}

}  // namespace
}  // namespace leadline::agent::meta
