#include "collector/remote/wire/snappy.h"

#include <gtest/gtest.h>

namespace leadline::collector::remote::wire {
namespace {

TEST(Snappy, UnpacksWhatItPacked) {
  const std::string plain(100'000, 'x');
  std::string packed;
  CompressSnappy(plain, packed);
  EXPECT_LT(packed.size(), 10'000);
  Buffer buffer;
  ASSERT_TRUE(UncompressSnappy(packed, 100'000, buffer).ok());
  EXPECT_EQ(buffer.view(), plain);
  CompressSnappy("short", packed);
  ASSERT_TRUE(UncompressSnappy(packed, 100'000, buffer).ok());
  EXPECT_EQ(buffer.view(), "short");
  EXPECT_EQ(buffer.capacity(), 100'000);
}

TEST(Snappy, RefusesWhatIsTooLargeBeforeItTakesMemory) {
  Buffer buffer;
  const std::string claims_4_gib = "\xff\xff\xff\xff\x0f";
  EXPECT_EQ(UncompressSnappy(claims_4_gib, 1 << 20, buffer),
            absl::ResourceExhaustedError("snappy: decoded block is too large: 4294967295 bytes, at "
                                         "most 1048576 are taken"));
  EXPECT_EQ(buffer.capacity(), 0);
}

TEST(Snappy, RefusesWhatIsNot) {
  Buffer buffer;
  for (const std::string packed : {"", "\x80", "\x05hello", "\xff\xff\xff\xff\xff\xff"}) {
    EXPECT_EQ(UncompressSnappy(packed, 1 << 20, buffer),
              absl::InvalidArgumentError("snappy: corrupt input"));
  }
}

}  // namespace
}  // namespace leadline::collector::remote::wire
