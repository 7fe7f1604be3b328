#include "common/flags/flags.h"

#include <iostream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::flags {
namespace {

struct Outcome {
  int exit_code = 0;
  std::string out, err;
};

// A program with every kind of flag, and with a command where one is wanted.
Outcome Parse(std::vector<const char*> arguments, bool with_command = false) {
  CLI::App app("What it does.", "program");
  SetUp(app);
  std::string address, duration, level, name;
  uint32_t count = 0;
  uint64_t size = 0;
  if (with_command) app.add_subcommand("ask", "")->add_option("WHAT", name)->required();
  app.add_option("--http", address)->check(IsHostPort());
  app.add_option("--to", address)->check(IsTarget());
  app.add_option("--interval", duration)->check(IsDuration());
  app.add_option("--log-level", level)->check(IsLogLevel());
  app.add_option("--name", name)->check(IsNotEmpty());
  app.add_option("--count", count)->check(CLI::Range(0U, 9U));
  app.add_option("--size", size)->transform(ToBytes());
  arguments.insert(arguments.begin(), "program");
  Outcome outcome;
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    outcome.exit_code = Exit(app, error);
    std::cout.flush();
    std::cerr.flush();
    outcome.out = testing::internal::GetCapturedStdout();
    outcome.err = testing::internal::GetCapturedStderr();
  }
  return outcome;
}

TEST(Flags, GoodOnesAreTaken) {
  EXPECT_EQ(Parse({"--http", "127.0.0.1:0", "--interval", "1m30s", "--log-level", "warn", "--name",
                   "n", "--count", "9"})
                .exit_code,
            0);
}

TEST(Flags, AnErrorNamesTheFlagAndTheValueAndWhereToLook) {
  const struct {
    std::vector<const char*> arguments;
    const char* want;
  } cases[] = {
      {{"--http", "x"}, "--http: \"x\" is not host:port, as in 127.0.0.1:7070 or [::1]:7070"},
      {{"--http", "h:99999"},
       "--http: \"h:99999\" is not host:port, as in 127.0.0.1:7070 or [::1]:7070"},
      {{"--http", "h:1", "--http", "h:2"}, "--http is given more than once"},
      {{"--to", ":0"}, "--to: \":0\" names no host to connect to"},
      {{"--to", "h:0"}, "--to: \"h:0\" has port 0, to which nothing can connect"},
      {{"--interval", "5"}, "--interval: \"5\" is not a duration, as in 30d, 1h30m or 500ms"},
      {{"--log-level", "loud"}, "--log-level: \"loud\" is none of debug, info, warn, error"},
      {{"--name", ""}, "--name: is empty"},
      {{"--count", "-1"}, "--count: Value -1 not in range 0 to 9"},
      {{"--size", "-1"}, "--size: \"-1\" is not a size, as in 512KiB, 64MiB or 2GiB"},
      {{"--size", "much"}, "--size: \"much\" is not a size, as in 512KiB, 64MiB or 2GiB"},
      {{"--size", "17179869185GiB"},
       "--size: \"17179869185GiB\" is not a size, as in 512KiB, 64MiB or 2GiB"},
      {{"--nome"}, "The following argument was not expected: --nome"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = Parse(c.arguments);
    EXPECT_EQ(outcome.exit_code, kUsageError) << c.want;
    EXPECT_EQ(outcome.err, "error: " + std::string(c.want) + "\nSee \"program --help\".\n");
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Flags, AnErrorOfACommandPointsToItsHelp) {
  EXPECT_EQ(Parse({"ask"}, true).err, "error: WHAT is required\nSee \"program ask --help\".\n");
  EXPECT_EQ(Parse({"akk"}, true).err, "error: unknown command \"akk\"\nSee \"program --help\".\n");
}

TEST(Flags, HelpIsNoError) {
  const Outcome outcome = Parse({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, testing::HasSubstr("What it does."));
  EXPECT_EQ(outcome.err, "");
}

}  // namespace
}  // namespace leadline::flags
