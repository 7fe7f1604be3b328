#include "agent/protocols/http2/header_decoder.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::protocols::http2 {
namespace {

using What = HeaderDecoder::Step::What;

constexpr uint32_t kTableBytes = 65536;

// "name: value" of each field, "?" for one that is not known, "!" where the block breaks.
std::vector<std::string> Decode(HeaderDecoder& decoder, std::string_view block, size_t piece = 0) {
  std::vector<std::string> fields;
  std::string left;
  for (size_t at = 0; at <= block.size();) {
    const size_t size = piece == 0 ? block.size() : std::min(piece, block.size() - at);
    left += block.substr(at, size);
    at += size;
    const bool last = at == block.size();
    size_t used = 0;
    while (true) {
      const HeaderDecoder::Step step = decoder.Next(std::string_view(left).substr(used), last);
      used += step.used;
      if (step.what == What::kField) {
        fields.push_back(std::string(step.name) + ": " + std::string(step.value));
      } else if (step.what == What::kUnknown) {
        fields.emplace_back("?");
      } else if (step.what == What::kBroken) {
        fields.emplace_back("!");
        return fields;
      } else if (step.what == What::kBlockEnd) {
        return fields;
      } else if (step.what == What::kMore) {
        break;
      }
    }
    left.erase(0, used);
  }
  return fields;
}

std::string Literal(char first, std::string_view name, std::string_view value) {
  std::string out(1, first);
  out += static_cast<char>(name.size());
  out += name;
  out += static_cast<char>(value.size());
  return out += value;
}
std::string Added(std::string_view name, std::string_view value) {
  return Literal('\x40', name, value);
}
std::string Index(unsigned index) { return {static_cast<char>(0x80 | index)}; }

TEST(HeaderDecoderTest, KnowsAConnectionFromItsBeginOn) {
  HeaderDecoder decoder;
  decoder.Begin(kTableBytes, true);
  EXPECT_THAT(Decode(decoder, Index(2) + Added("a", "1") + Added("b", "2")),
              testing::ElementsAre(":method: GET", "a: 1", "b: 2"));
  EXPECT_THAT(Decode(decoder, Index(63) + Index(62)), testing::ElementsAre("a: 1", "b: 2"));
  // There is no third one.
  EXPECT_THAT(Decode(decoder, Index(64)), testing::ElementsAre("!"));
}

TEST(HeaderDecoderTest, KnowsWhatWasAddedSinceItJoined) {
  HeaderDecoder decoder;
  decoder.Begin(kTableBytes, false);
  // Older fields are not known, nor are literals with their names; the static table is.
  EXPECT_THAT(Decode(decoder, Index(62) + Index(8) + std::string("\x0f\x2f\1x", 4)),
              testing::ElementsAre("?", ":status: 200", "?"));
  EXPECT_THAT(Decode(decoder, Added("a", "1") + Index(62) + Index(63)),
              testing::ElementsAre("a: 1", "a: 1", "?"));
  // A name from before the capture with a new value counts as an entry.
  EXPECT_THAT(Decode(decoder, std::string("\x7f\x01\1y", 4) + Index(62) + Index(63) + Index(64)),
              testing::ElementsAre("?", "?", "a: 1", "?"));
  EXPECT_THAT(Decode(decoder, Added("b", "2") + Index(64)), testing::ElementsAre("b: 2", "a: 1"));
}

TEST(HeaderDecoderTest, ForgetsWhatMayHaveMoved) {
  HeaderDecoder decoder;
  decoder.Begin(kTableBytes, true);
  Decode(decoder, Added("a", "1"));
  decoder.Forget();
  EXPECT_THAT(Decode(decoder, Index(62) + Added("b", "2")), testing::ElementsAre("?", "b: 2"));
  EXPECT_THAT(Decode(decoder, Index(62) + Index(63)), testing::ElementsAre("b: 2", "?"));
}

TEST(HeaderDecoderTest, AFieldLargerThanTheSendersTableEmptiesThat) {
  HeaderDecoder decoder;
  decoder.Begin(kTableBytes, false);
  // A table of 100 bytes, in which 90 and 32 do not fit.
  const std::string large(90, 'x');
  EXPECT_THAT(Decode(decoder, "\x3f\x45" + Added("a", "1") + Added("b", large) + Index(62)),
              testing::ElementsAre("a: 1", "b: " + large, "?"));
  // And one that is made smaller drops what does not fit any more.
  EXPECT_THAT(Decode(decoder, Added("c", "3") + Index(62)), testing::ElementsAre("c: 3", "c: 3"));
  EXPECT_THAT(Decode(decoder, "\x20" + Index(62)), testing::ElementsAre("?"));
}

TEST(HeaderDecoderTest, ReadsBlocksInPieces) {
  const std::string block = Index(2) + Added("name", "value") + Literal('\0', "x", "y") + Index(62);
  for (const bool known : {true, false}) {
    for (size_t piece = 1; piece < block.size(); ++piece) {
      HeaderDecoder decoder;
      decoder.Begin(kTableBytes, known);
      EXPECT_THAT(Decode(decoder, block, piece),
                  testing::ElementsAre(":method: GET", "name: value", "x: y", "name: value"))
          << piece;
    }
  }
}

TEST(HeaderDecoderTest, GoesOnAfterWhatIsNotHpack) {
  for (const bool known : {true, false}) {
    HeaderDecoder decoder;
    decoder.Begin(kTableBytes, known);
    EXPECT_THAT(Decode(decoder, std::string("\x80", 1)), testing::ElementsAre("!"));
    EXPECT_THAT(Decode(decoder, Added("a", "1") + Index(62)), testing::ElementsAre("a: 1", "a: 1"));
    // Huffman code that ends in the middle of a symbol.
    EXPECT_THAT(Decode(decoder, std::string("\x40\x81\x00\x81\x00", 5)), testing::Contains("!"));
    EXPECT_THAT(Decode(decoder, Index(2)), testing::ElementsAre(":method: GET"));
  }
}

TEST(HeaderDecoderTest, MemoryIsBoundedAndUsedAgain) {
  HeaderDecoder decoder;
  decoder.Begin(kTableBytes, true);
  Decode(decoder, "\x3f\xe1\xff\x03");  // all that the table may have
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    Decode(decoder, Added("n", number));
    Decode(decoder, Added(number, std::string(100, 'x')));
    ASSERT_LE(decoder.memory_bytes(), kTableBytes * 5 / 2);
  }
  EXPECT_GT(decoder.memory_bytes(), kTableBytes);
  decoder.End();
  EXPECT_EQ(decoder.memory_bytes(), 0u);
}

}  // namespace
}  // namespace leadline::agent::protocols::http2
