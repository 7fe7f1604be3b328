#include "agent/shedding.h"

#include <bit>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

TEST(Shedding, BeginsWithAll) {
  for (const GivenUp& part : WhatCanBeGivenUp()) {
    EXPECT_EQ(part.share(SheddingSteps().front().effort), 0) << part.what;
  }
}

TEST(Shedding, EachStepGivesUpMoreAndTakesNothingBack) {
  const auto steps = SheddingSteps();
  for (size_t i = 1; i < steps.size(); ++i) {
    double more = 0;
    for (const GivenUp& part : WhatCanBeGivenUp()) {
      const double growth = part.share(steps[i].effort) - part.share(steps[i - 1].effort);
      EXPECT_GE(growth, 0) << steps[i].text << ": " << part.what;
      more += growth;
    }
    EXPECT_GT(more, 0) << steps[i].text;
  }
  for (const GivenUp& part : WhatCanBeGivenUp()) {
    EXPECT_EQ(part.share(steps.back().effort), 1) << part.what;
  }
}

TEST(Shedding, SamplesArePowersOfTwo) {
  for (const SheddingStep& step : SheddingSteps()) {
    const uint32_t one_in = step.effort.requests_one_in;
    EXPECT_TRUE(one_in == 0 || std::has_single_bit(one_in)) << step.text;
  }
}

TEST(Shedding, StandsInTheDocuments) {
  std::ifstream file(std::string(LEADLINE_SOURCE_DIR) + "/docs/architecture.md");
  std::stringstream text;
  text << file.rdbuf();
  const auto steps = SheddingSteps();
  for (size_t i = 1; i < steps.size(); ++i) {
    EXPECT_THAT(text.str(), testing::HasSubstr(fmt::format("| {} | {} |", i, steps[i].text)));
  }
}

}  // namespace
}  // namespace leadline::agent
