#include "common/zstd/stream.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leadline::zstd {
namespace {

constexpr int kWindowLog = 18;
constexpr size_t kMaxBytes = 1 << 20;

std::string Noise(size_t bytes, uint32_t seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(ZstdStream, GivesBackEveryPiece) {
  Compressor compressor(1, kWindowLog);
  Decompressor decompressor(kWindowLog);
  const std::string noise = Noise(100'000, 1);
  const std::vector<std::string> pieces = {"",    "one", std::string(kMaxBytes, 'x'), noise,
                                           noise, "",    Noise(kMaxBytes, 2),         "end"};
  for (const std::string& piece : pieces) {
    const auto compressed = compressor.Flush(piece);
    ASSERT_TRUE(compressed.ok()) << compressed.status();
    const auto contents = decompressor.Next(*compressed, kMaxBytes);
    ASSERT_TRUE(contents.ok()) << contents.status();
    EXPECT_EQ(*contents, piece);
  }
}

TEST(ZstdStream, WhatWasThereBeforeCostsLittle) {
  Compressor compressor(1, kWindowLog);
  const std::string noise = Noise(100'000, 1);
  EXPECT_GT(compressor.Flush(noise)->size(), 90'000U);
  EXPECT_LT(compressor.Flush(noise)->size(), 1'000U);
}

TEST(ZstdStream, ContentsAreBounded) {
  for (const size_t over : {1, 17, 1'000'000}) {
    Compressor compressor(1, kWindowLog);
    Decompressor decompressor(kWindowLog);
    const auto piece = compressor.Flush(std::string(kMaxBytes + over, 'x'));
    EXPECT_TRUE(absl::IsResourceExhausted(decompressor.Next(*piece, kMaxBytes).status())) << over;
  }
}

TEST(ZstdStream, ALargerWindowIsRefused) {
  Compressor compressor(1, kWindowLog + 2);
  Decompressor decompressor(kWindowLog);
  const auto piece = compressor.Flush("text");
  EXPECT_TRUE(absl::IsDataLoss(decompressor.Next(*piece, kMaxBytes).status()));
}

TEST(ZstdStream, WhatIsNoStreamIsRefused) {
  Decompressor decompressor(kWindowLog);
  EXPECT_TRUE(absl::IsDataLoss(decompressor.Next("neither fish nor fowl", kMaxBytes).status()));
}

}  // namespace
}  // namespace leadline::zstd
