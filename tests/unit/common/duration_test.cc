#include "common/duration.h"

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(ParseDuration, Valid) {
  const std::pair<const char*, int64_t> cases[] = {
      {"0", 0},
      {"0s", 0},
      {"500ms", 500},
      {"10s", 10'000},
      {"5m", 300'000},
      {"1h30m", 5400'000},
      {"30d", 2'592'000'000},
      {"1y2w3d4h5m6s7ms", 33'019'506'007},
  };
  for (const auto& [text, ms] : cases) {
    const auto duration = ParseDuration(text);
    ASSERT_TRUE(duration.ok()) << duration.status();
    EXPECT_EQ(absl::ToInt64Milliseconds(*duration), ms) << text;
  }
}

TEST(ParseDuration, InvalidIsQuoted) {
  for (const char* text : {"", "5", "s", "5x", "-5m", "1m1h", "1m1m", "1.5h", "5 m", " 5m", "5m ",
                           "99999999999999999999s", "300y"}) {
    const auto duration = ParseDuration(text);
    EXPECT_EQ(duration.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(duration.status().message().find("\"" + std::string(text)), std::string::npos);
  }
}

}  // namespace
}  // namespace leadline
