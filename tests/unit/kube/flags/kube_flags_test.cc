#include "kube/flags/kube_flags.h"

#include <vector>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

namespace leadline::kube::flags {
namespace {

// Whether the arguments are taken.
bool Parse(std::vector<const char*> arguments, config::Choice& choice) {
  CLI::App app;
  AddKubeFlags(app, choice);
  arguments.insert(arguments.begin(), "program");
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError&) {
    return false;
  }
  return true;
}

TEST(KubeFlags, AreTaken) {
  config::Choice choice;
  ASSERT_TRUE(Parse(
      {"-k", "https://h", "--kubernetes-token-file", "t", "--kubernetes-ca-file", "c"}, choice));
  EXPECT_EQ(choice.url, "https://h");
  EXPECT_EQ(choice.token_file, "t");
  EXPECT_EQ(choice.ca_file, "c");
  choice = {};
  ASSERT_TRUE(Parse({"-k", "https://h", "--kubernetes-insecure"}, choice));
  EXPECT_TRUE(choice.insecure);
  choice = {};
  ASSERT_TRUE(Parse({"--kubeconfig", "f", "--context", "x"}, choice));
  EXPECT_EQ(choice.kubeconfig, "f");
  EXPECT_EQ(choice.context, "x");
  choice = {};
  EXPECT_TRUE(Parse({"--context", "x"}, choice));
  EXPECT_TRUE(Parse({}, choice));
}

TEST(KubeFlags, ThatContradictAreRefused) {
  const std::vector<std::vector<const char*>> cases = {
      {"-k", "u", "--kubeconfig", "f"},
      {"-k", "u", "--context", "x"},
      {"--kubernetes-token-file", "t"},
      {"--kubeconfig", "f", "--kubernetes-insecure"},
      {"-k", "u", "--kubernetes-ca-file", "c", "--kubernetes-insecure"},
      {"--kubeconfig", ""},
  };
  for (const auto& arguments : cases) {
    config::Choice choice;
    EXPECT_FALSE(Parse(arguments, choice)) << arguments.front() << " " << arguments.back();
  }
}

}  // namespace
}  // namespace leadline::kube::flags
