#include "collector/api/params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::api {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<int64_t> Time(const std::string& text) {
  return TimeParam(http::Params::Parse("t=" + text), "t");
}

TEST(TimeParam, TakesUnixSecondsAndRfc3339) {
  const std::pair<const char*, int64_t> cases[] = {
      {"1435781451.781", 1435781451781},
      {"1435781451", 1435781451000},
      {"-1.5", -1500},
      {"%2B1e3", 1'000'000},
      {"0.0004", 0},
      {"1.0025", 1002},  // whose fraction is a little less than it says
      {"-1.0025", -1002},
      {"2015-07-01T20:10:51.781Z", 1435781451781},
      {"2015-07-01T22:10:51%2B02:00", 1435781451000},
      {"1e300", kFarMs},
      {"-9223372036854775808", -kFarMs},
      {"Inf", kFarMs},
  };
  for (const auto& [text, ms] : cases) {
    const auto time = Time(text);
    ASSERT_TRUE(time.ok()) << text << ": " << time.status();
    EXPECT_EQ(*time, ms) << text;
  }
}

TEST(TimeParam, RefusesTheRestInPrometheusWords) {
  for (const char* text : {"", "x", "nan", "1s", "2015-07-01", "infinite-future", "0x10"}) {
    const auto time = Time(text);
    EXPECT_EQ(time.status().message(), "invalid parameter \"t\": cannot parse \"" +
                                           std::string(text) + "\" to a valid timestamp");
  }
}

TEST(DurationParam, TakesSecondsAndDurations) {
  const std::pair<const char*, absl::Duration> cases[] = {{"15", absl::Seconds(15)},
                                                          {"0.5", absl::Milliseconds(500)},
                                                          {"1h30m", absl::Minutes(90)},
                                                          {"-1", absl::Seconds(-1)},
                                                          {"250ms", absl::Milliseconds(250)}};
  for (const auto& [text, want] : cases) {
    const auto duration = DurationParam(http::Params::Parse(std::string("s=") + text), "s");
    ASSERT_TRUE(duration.ok()) << text << ": " << duration.status();
    EXPECT_EQ(*duration, want) << text;
  }
  for (const char* text : {"", "x", "1mm", "nan", "inf", "1e30"}) {
    EXPECT_FALSE(DurationParam(http::Params::Parse(std::string("s=") + text), "s").ok()) << text;
  }
}

TEST(LimitParam, IsACount) {
  EXPECT_EQ(*LimitParam(http::Params::Parse("")), 0u);
  EXPECT_EQ(*LimitParam(http::Params::Parse("limit=7")), 7u);
  for (const char* text : {"limit=-1", "limit=x", "limit=1.5", "limit=99999999999999999999"}) {
    EXPECT_FALSE(LimitParam(http::Params::Parse(text)).ok()) << text;
  }
}

TEST(FilterParams, ParsesEachMatch) {
  const auto filter = FilterParams(
      http::Params::Parse("match[]=up&match[]={a!~\"b.*\",c=\"d\"}&start=1&end=2"), true);
  ASSERT_TRUE(filter.ok()) << filter.status();
  ASSERT_EQ(filter->selectors.size(), 2u);
  EXPECT_EQ(filter->selectors[0][0].name, "__name__");
  EXPECT_EQ(filter->selectors[1][0].op, store::Matcher::Op::kNotRegex);
  EXPECT_EQ(filter->start_ms, 1000);
  EXPECT_EQ(filter->end_ms, 2000);
}

TEST(FilterParams, RefusesWhatIsNoSelector) {
  EXPECT_EQ(FilterParams({}, true).status().message(), "no match[] parameter provided");
  EXPECT_TRUE(FilterParams({}, false).ok());
  for (const char* match : {"sum(x)", "x[5m]", "x offset 5m", "{", "{}", "1"}) {
    const auto filter = FilterParams(http::Params::Parse(std::string("match[]=") + match), true);
    EXPECT_THAT(filter.status().message(), HasSubstr("invalid parameter \"match[]\": 1:")) << match;
  }
  EXPECT_THAT(FilterParams(http::Params::Parse("match[]="), true).status().message(),
              HasSubstr("invalid parameter \"match[]\": unknown position: parse error"));
  EXPECT_FALSE(FilterParams(http::Params::Parse("start=2&end=1"), false).ok());
}

}  // namespace
}  // namespace leadline::collector::api
