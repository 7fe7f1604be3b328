// The selectors of a query, wherever they are in it.
#include "collector/promql/query_selectors.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::promql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// "name=value,…" of each.
std::vector<std::string> Of(const std::string& query) {
  const auto selectors = ParseQuerySelectors(query);
  EXPECT_TRUE(selectors.ok()) << selectors.status();
  std::vector<std::string> texts;
  if (!selectors.ok()) return texts;
  for (const auto& matchers : *selectors) {
    std::string& text = texts.emplace_back();
    constexpr const char* kOps[] = {"=", "!=", "=~", "!~"};
    for (const store::Matcher& matcher : matchers) {
      if (!text.empty()) text += ",";
      text += matcher.name + kOps[static_cast<size_t>(matcher.op)] + matcher.value;
    }
  }
  return texts;
}

TEST(QuerySelectors, AreFoundEverywhere) {
  EXPECT_THAT(Of("a"), ElementsAre("__name__=a"));
  EXPECT_THAT(Of(R"({x=~"y.*",__name__!="b"})"), ElementsAre("x=~y.*,__name__!=b"));
  EXPECT_THAT(Of("histogram_quantile(0.9, sum(rate(a_bucket[5m])) by (le))"),
              ElementsAre("__name__=a_bucket"));
  EXPECT_THAT(Of("-(a + on(x) max_over_time(b[1m:10s])) > scalar(c)"),
              ElementsAre("__name__=a", "__name__=b", "__name__=c"));
  EXPECT_THAT(Of("topk(scalar(k), a offset 5m)"), ElementsAre("__name__=k", "__name__=a"));
  EXPECT_THAT(Of(R"(info(a, {x="y"}))"), ElementsAre("__name__=a"));
  EXPECT_THAT(Of("1 + 2"), IsEmpty());
  EXPECT_THAT(Of("'text'"), IsEmpty());
}

TEST(QuerySelectors, OfWhatIsNoQueryAreAnError) {
  const auto selectors = ParseQuerySelectors("sum(");
  EXPECT_EQ(selectors.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(selectors.status().message()), HasSubstr("parse error"));
}

}  // namespace
}  // namespace leadline::collector::promql
