#include "common/address.h"

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(Address, IsSplit) {
  const struct {
    const char* text;
    HostPort want;
  } cases[] = {
      {"127.0.0.1:7070", {"127.0.0.1", 7070}}, {"localhost:0", {"localhost", 0}},
      {"[::1]:65535", {"::1", 65535}},         {":80", {"", 80}},
      {"leadline.svc:1", {"leadline.svc", 1}},
  };
  for (const auto& c : cases) {
    const auto parsed = ParseHostPort(c.text);
    ASSERT_TRUE(parsed.ok()) << c.text << ": " << parsed.status();
    EXPECT_EQ(*parsed, c.want) << c.text;
  }
}

TEST(Address, ThatIsNoneIsQuoted) {
  for (const char* text : {"", "host", "127.0.0.1", "7070", "h:", "h:65536", "h:99999", "h:-1",
                           "h:80x", "h: 80", "::1:80", "[::1:80", "http://h:80"}) {
    const auto parsed = ParseHostPort(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.status().ToString().find('"' + std::string(text) + '"'), std::string::npos);
  }
}

TEST(Address, OfATargetHasAHostAndAPort) {
  for (const char* text : {"127.0.0.1:7071", "[::1]:1", "leadline.svc:65535"}) {
    EXPECT_EQ(ParseTarget(text), ParseHostPort(text)) << text;
  }
  for (const char* text : {":0", ":7071", "[]:7071", "localhost:0", "7071", "::1:80"}) {
    const auto parsed = ParseTarget(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.status().ToString().find('"' + std::string(text) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace leadline
