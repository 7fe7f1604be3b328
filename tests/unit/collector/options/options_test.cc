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

TEST(Options, SeriesOfProcessesAreKeptForAWeekOrAsLongAsTheRest) {
  const auto kept = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"--data", "/d"});
    return RetentionOfProcesses(*Parse(arguments).options);
  };
  EXPECT_EQ(kept({}), absl::Hours(7 * 24));
  EXPECT_EQ(kept({"--retention", "2d"}), absl::Hours(2 * 24));
  EXPECT_EQ(kept({"--retention", "0"}), absl::ZeroDuration());
  EXPECT_EQ(kept({"--retention", "2d", "--retention-processes", "3d"}), absl::Hours(3 * 24));
  EXPECT_EQ(kept({"--retention-processes", "0"}), absl::ZeroDuration());
}

TEST(Options, WrongOnesEndTheProgramWithAnError) {
  const std::vector<std::vector<const char*>> cases = {
      {},
      {"--data", "/d", "--retention", "long"},
      {"--data", "/d", "--http", "nowhere"},
      {"--data", "/d", "stray"},
      {"--data", ""},
      {"--data", "/d", "--cors-origin", "https://(a|b"},
      {"--data", "/d", "--rules", "/nowhere/rules.yaml"},
  };
  for (const auto& arguments : cases) {
    const ParsedOptions parsed = Parse(arguments);
    EXPECT_FALSE(parsed.options);
    EXPECT_EQ(parsed.exit_code, 2);
  }
}

TEST(Options, APatternOfRuleFilesMayHaveNone) {
  EXPECT_TRUE(Parse({"--data", "/d", "--rules", "/nowhere/*.yaml"}).options);
  EXPECT_TRUE(Parse({"--data", "/d", "--cors-origin", ""}).options);
}

TEST(Options, TenantsHaveTheLimitsOfAllOrTheirOwn) {
  const ParsedOptions parsed =
      Parse({"--data", "/d", "--max-series", "5000", "--max-labels", "30", "--tenant",
             "acme:max-series=100,max-samples=0", "--tenant", "zoo:max-label-value-length=64"});
  ASSERT_TRUE(parsed.options);
  const store::TenantLimits& all = parsed.options->tenants.limits;
  EXPECT_EQ(all.max_series, 5000u);
  EXPECT_EQ(all.max_labels, 30u);
  const store::TenantLimitsOf by_tenant = parsed.options->tenants.ByTenant();
  ASSERT_EQ(by_tenant.size(), 2u);
  store::TenantLimits acme = all;
  acme.max_series = 100;
  acme.max_samples_a_second = 0;
  EXPECT_EQ(by_tenant.at("acme"), acme);
  store::TenantLimits zoo = all;
  zoo.max_label_value_bytes = 64;
  EXPECT_EQ(by_tenant.at("zoo"), zoo);
}

TEST(Options, WhatIsNoLimitOfATenantIsSaid) {
  for (const char* text :
       {"acme", ":max-series=1", "acme:", "acme:max-series", "acme:series=1", "acme:max-series=x",
        "acme:max-labels=513", "acme:max-metric-length=0"}) {
    EXPECT_EQ(ParseTenantOverride(text, {}).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_FALSE(Parse({"--data", "/d", "--tenant", text}).options) << text;
  }
  EXPECT_EQ(ParseTenantOverride("acme:max-labels=513", {}).status().message(),
            "\"acme:max-labels=513\": max-labels: 513 is not between 0 and 512");
  EXPECT_FALSE(Parse({"--data", "/d", "--max-labels", "513"}).options);
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
