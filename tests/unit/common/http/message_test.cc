#include "common/http/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::http {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Params, DecodesNamesAndValuesAndKeepsRepeats) {
  const Params params =
      Params::Parse("match%5B%5D=up&match[]=a%7Bb%3D%22c%20d%22%7D&x=1+2&flag&=e");
  EXPECT_THAT(params.All("match[]"), ElementsAre("up", "a{b=\"c d\"}"));
  EXPECT_EQ(params.First("x"), "1 2");
  EXPECT_EQ(params.First("flag"), "");
  EXPECT_EQ(params.First("missing"), std::nullopt);
  EXPECT_THAT(params.All("missing"), IsEmpty());
}

TEST(Params, IsLenientAboutBadEscapes) {
  EXPECT_EQ(Params::Parse("a=%").First("a"), "%");
  EXPECT_EQ(Params::Parse("a=%4").First("a"), "%4");
  EXPECT_EQ(Params::Parse("a=%zz%41").First("a"), "%zzA");
  EXPECT_EQ(Params::Parse("&&a=b=c&").First("a"), "b=c");
}

TEST(MediaType, IsWithoutItsParameters) {
  EXPECT_EQ(MediaType("text/plain \t; charset=utf-8"), "text/plain");
  EXPECT_EQ(MediaType("text/plain"), "text/plain");
  EXPECT_EQ(MediaType(""), "");
  EXPECT_TRUE(EqualsIgnoringCase("Text/PLAIN", "text/plain"));
  EXPECT_FALSE(EqualsIgnoringCase("text/plai", "text/plain"));
  EXPECT_FALSE(EqualsIgnoringCase("text-plain", "text\rplain"));
}

TEST(RequestParams, TheFormComesBeforeTheQuery) {
  Request request{.method = "POST", .query = "a=query&b=2", .body = "a=form"};
  EXPECT_EQ(RequestParams(request).First("a"), "query");
  request.headers.emplace_back("content-TYPE", "application/x-www-form-urlencoded ; charset=utf-8");
  EXPECT_EQ(RequestParams(request).First("a"), "form");
  EXPECT_EQ(RequestParams(request).First("b"), "2");
  // What a cache or a proxy sees of a GET is all that it asks for.
  request.method = "GET";
  EXPECT_EQ(RequestParams(request).First("a"), "query");
}

}  // namespace
}  // namespace leadline::http
