#include "agent/options/options.h"

#include <vector>

#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

ParsedOptions Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "leadline-agent");
  return ParseOptions(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, Defaults) {
  const ParsedOptions parsed = Parse({});
  ASSERT_TRUE(parsed.options);
  EXPECT_EQ(parsed.options->collector, "127.0.0.1:7071");
  EXPECT_EQ(parsed.options->interval, absl::Seconds(10));
  EXPECT_FALSE(parsed.options->node.empty());
  EXPECT_EQ(parsed.options->kubernetes.url, "");
  EXPECT_FALSE(parsed.options->time_every_syscall);
  EXPECT_EQ(parsed.options->cgroups, CgroupChoice::kAuto);
}

TEST(Options, AreTaken) {
  const ParsedOptions parsed =
      Parse({"-k", "http://127.0.0.1:8080", "--node", "n1", "--interval", "1m30s",
             "--syscall-timing", "every", "--spool-size", "64MiB", "--runtime-state",
             "docker=/data/docker", "--runtime-state", "containerd=/run/c", "--cgroups", "v1"});
  ASSERT_TRUE(parsed.options);
  EXPECT_EQ(parsed.options->kubernetes.url, "http://127.0.0.1:8080");
  EXPECT_EQ(parsed.options->node, "n1");
  EXPECT_EQ(parsed.options->interval, absl::Seconds(90));
  EXPECT_TRUE(parsed.options->time_every_syscall);
  EXPECT_EQ(parsed.options->max_spool_bytes, 64 << 20);
  EXPECT_EQ(parsed.options->runtime_state,
            (std::vector<runtimes::StateDirectory>{{"docker", "/data/docker"},
                                                   {"containerd", "/run/c"}}));
  EXPECT_EQ(parsed.options->cgroups, CgroupChoice::kV1);
}

TEST(Options, TheCollectorIsSomethingToConnectTo) {
  for (const char* nowhere : {":0", ":7071", "collector:0"}) {
    EXPECT_FALSE(Parse({"--collector", nowhere}).options) << nowhere;
  }
  EXPECT_TRUE(Parse({"--collector", "collector:7071", "--http", ":0", "--insecure"}).options);
}

TEST(Options, WhatGoesWithTlsTurnsItOn) {
  EXPECT_FALSE(Parse({"--collector-token-file", "t"}).options->collector_files.encrypted);
  for (const char* flag : {"--collector-ca-file", "--collector-server-name"}) {
    EXPECT_TRUE(Parse({flag, "x"}).options->collector_files.encrypted) << flag;
  }
  EXPECT_TRUE(Parse({"--collector-tls"}).options->collector_files.encrypted);
}

TEST(Options, ATokenGoesInClearToLoopbackOnly) {
  const std::vector<const char*> remote = {"--collector", "collector:7071",
                                           "--collector-token-file", "t"};
  EXPECT_FALSE(Parse(remote).options);
  for (const char* flag : {"--collector-tls", "--insecure"}) {
    std::vector<const char*> arguments = remote;
    arguments.push_back(flag);
    EXPECT_TRUE(Parse(arguments).options) << flag;
  }
}

TEST(Options, WrongOnesEndTheProgramWithAnError) {
  const std::vector<std::vector<const char*>> cases = {
      {"--interval", "often"},
      {"--interval", "50ms"},
      {"--no-such-flag"},
      {"stray"},
      {"--max-processes", "minus"},
      {"--node"},
      {"--syscall-timing", "no"},
      {"--spool-size", "much"},
      {"--runtime-state", "docker"},
      {"--runtime-state", "rkt=/var/lib/rkt"},
      {"--cgroups", "v3"},
  };
  for (const auto& arguments : cases) {
    const ParsedOptions parsed = Parse(arguments);
    EXPECT_FALSE(parsed.options) << arguments.front();
    EXPECT_NE(parsed.exit_code, 0) << arguments.front();
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
}  // namespace leadline::agent
