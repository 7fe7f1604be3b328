#include "common/http/cors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::http {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<Header> HeadersFor(const std::string& origins, const std::string& origin) {
  const absl::StatusOr<Cors> cors = Cors::Make(origins);
  EXPECT_TRUE(cors.ok()) << cors.status();
  Request request;
  if (!origin.empty()) request.headers.emplace_back("Origin", origin);
  Response response;
  cors->AddHeaders(request, response);
  return response.headers;
}

TEST(Cors, AnswersAsPrometheusDoes) {
  EXPECT_THAT(HeadersFor(".*", "http://x.example"),
              ElementsAre(Pair("Vary", "Origin"), Pair("Access-Control-Allow-Origin", "*"),
                          Pair("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
                          Pair("Access-Control-Allow-Headers",
                               "Accept, Authorization, Content-Type, Origin"),
                          Pair("Access-Control-Expose-Headers", "Date")));
  EXPECT_THAT(HeadersFor(".*", ""), IsEmpty());
}

TEST(Cors, TakesWholeOriginsOnly) {
  EXPECT_THAT(HeadersFor("https://x\\.example", "https://x.example"),
              Contains(Pair("Access-Control-Allow-Origin", "https://x.example")));
  for (const char* origin : {"https://x.example.org", "http://https://x.example", "null"}) {
    EXPECT_THAT(HeadersFor("https://x\\.example", origin), ElementsAre(Pair("Vary", "Origin")))
        << origin;
  }
  EXPECT_THAT(HeadersFor("", "https://x.example"), IsEmpty());
}

TEST(Cors, SaysWhatIsWrong) {
  EXPECT_EQ(Cors::Make("a(").status().message(),
            "'a(' is no regular expression of origins: missing ): a(");
}

}  // namespace
}  // namespace leadline::http
