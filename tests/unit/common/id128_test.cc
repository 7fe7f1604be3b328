#include "common/id128.h"

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(Id128, PartsAreFramed) { EXPECT_NE(HashId({"ab", "c"}), HashId({"a", "bc"})); }

// Ids are on disk: a change of the hash would make every stored entity a stranger.
TEST(Id128, TheHashNeverChanges) {
  EXPECT_EQ(HashId({"container", "0123"}).ToHex(), "56325f2ff692f55bc5c2ec2b83ffbe6b");
}

TEST(Id128, BytesGoBothWaysAndKeepTheOrder) {
  const Id128 a{1, 0xffffffffffffffff};
  const Id128 b{2, 0};
  EXPECT_EQ(Id128::FromBytes(a.ToBytes()), a);
  EXPECT_LT(a.ToBytes(), b.ToBytes());
  EXPECT_EQ(Id128::FromBytes("short"), std::nullopt);
}

}  // namespace
}  // namespace leadline
