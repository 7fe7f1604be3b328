#include "common/http/encoding.h"

#include <zlib.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::http {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string Inflated(const std::string& packed, size_t most) {
  std::string plain(most, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

struct AcceptCase {
  const char* header;
  bool gzip;
};

TEST(Encoding, KnowsWhoTakesGzip) {
  const AcceptCase cases[] = {
      {"gzip", true},
      {"GZIP", true},
      {"x-gzip", true},
      {"deflate, gzip;q=1.0, *;q=0.5", true},
      {"br;q=1,gzip ; q=0.001", true},
      {"*", true},
      {"", false},
      {"identity", false},
      {"gzip;q=0", false},
      {"gzip; Q=0.000", false},
      {"*;q=1, gzip;q=0", false},
      {"gzipped", false},
      {"*;q=0", false},
      {",;,=", false},
  };
  for (const AcceptCase& test : cases) {
    EXPECT_EQ(AcceptsGzip(test.header), test.gzip) << test.header;
  }
}

TEST(Encoding, GivesTheSameBytesBack) {
  const Request request{.headers = {{"accept-encoding", "gzip"}}};
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "[" + std::to_string(i * 7919 % 10'007) + ",\"1\"],";
  Response response{.body = text};
  CompressBody(request, response);
  EXPECT_THAT(response.headers, Contains(Pair("Content-Encoding", "gzip")));
  EXPECT_THAT(response.headers, Contains(Pair("Vary", "Accept-Encoding")));
  EXPECT_LT(response.body.size() * 2, text.size());
  EXPECT_EQ(Inflated(response.body, text.size()), text);
}

TEST(Encoding, LeavesAloneWhatWouldNotGain) {
  const Request request{.headers = {{"Accept-Encoding", "gzip"}}};
  Response small{.body = "ok"};
  CompressBody(request, small);
  EXPECT_EQ(small.body, "ok");
  EXPECT_THAT(small.headers, IsEmpty());

  Response coded{.body = std::string(5000, 'x'), .headers = {{"content-encoding", "br"}}};
  CompressBody(request, coded);
  EXPECT_EQ(coded.body, std::string(5000, 'x'));
}

std::string Packed(const std::string& plain) {
  Response response{.body = plain};
  CompressBody({.headers = {{"Accept-Encoding", "gzip"}}}, response);
  return response.body;
}

TEST(Gunzip, UnpacksWhatIsWhole) {
  const std::string plain = std::string(100'000, 'x') + "y";
  const std::string packed = Packed(plain);
  ASSERT_LT(packed.size(), plain.size());
  std::string out = "what was there before";
  ASSERT_TRUE(Gunzip(packed, plain.size(), out).ok());
  EXPECT_EQ(out, plain);
  // Two behind one another are one.
  ASSERT_TRUE(Gunzip(packed + packed, 2 * plain.size(), out).ok());
  EXPECT_EQ(out, plain + plain);
  EXPECT_TRUE(absl::IsResourceExhausted(Gunzip(packed, plain.size() - 1, out)));
  EXPECT_LE(out.size(), 2 * plain.size());
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(packed.substr(0, packed.size() - 1), 1 << 20, out)));
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip(packed + "x", 1 << 20, out)));
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip("", 1 << 20, out)));
  EXPECT_TRUE(absl::IsInvalidArgument(Gunzip("no gzip at all", 1 << 20, out)));
}

}  // namespace
}  // namespace leadline::http
