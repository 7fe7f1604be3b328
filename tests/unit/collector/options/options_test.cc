#include "collector/options/options.h"

#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector {
namespace {

ParsedOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "leadline-collector");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, Defaults) {
  const ParsedOptions parsed = Parse({"--data", "/d"});
  ASSERT_TRUE(parsed.options);
  EXPECT_EQ(parsed.options->data_dir, "/d");
  EXPECT_EQ(parsed.options->http, "127.0.0.1:7070");
  EXPECT_EQ(parsed.options->grpc, "127.0.0.1:7071");
  EXPECT_EQ(parsed.options->retention, absl::Hours(30 * 24));
}

TEST(Options, WrongOnesEndTheProgramWithAnError) {
  const std::vector<std::vector<const char*>> cases = {
      {},
      {"--data", "/d", "--retention", "long"},
      {"--data", "/d", "--http", "nowhere"},
      {"--data", "/d", "stray"},
      {"--data", ""},
  };
  for (const auto& arguments : cases) {
    const ParsedOptions parsed = Parse(arguments);
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 2);
  }
}

TEST(Options, HelpAndVersionAreNoErrors) {
  for (const char* flag : {"--help", "--version"}) {
    const ParsedOptions parsed = Parse({flag});
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 0);
  }
}

}  // namespace
}  // namespace leadline::collector
