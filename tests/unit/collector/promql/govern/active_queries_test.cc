#include "collector/promql/govern/active_queries.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::promql::govern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ActiveQueriesTest : public testing::Test {
 protected:
  ~ActiveQueriesTest() override { std::filesystem::remove(file_); }

  const std::string file_ =
      (std::filesystem::temp_directory_path() / ("leadline-active-" + std::to_string(getpid())))
          .string();
  const ManualClock clock_{1'000};
};

TEST_F(ActiveQueriesTest, TellsWhatRuns) {
  ActiveQueries queries(clock_);
  const auto first = queries.Begin({.tenant = "t", .query = "a"});
  {
    const auto second = queries.Begin({.tenant = "t", .query = "b"});
    const auto others = queries.Begin({.tenant = "u", .query = "c"});
    const auto now = queries.Of("t");
    ASSERT_THAT(now, SizeIs(2));
    EXPECT_EQ(now[0].query, "a");
    EXPECT_EQ(now[0].since_ms, 1'000);
    EXPECT_EQ(now[1].query, "b");
  }
  EXPECT_THAT(queries.Of("t"), SizeIs(1));
  EXPECT_THAT(queries.Of("u"), IsEmpty());
}

TEST_F(ActiveQueriesTest, TheFileSaysWhatHadNotEnded) {
  ActiveQueries died(clock_);
  ASSERT_TRUE(died.KeepIn(file_).ok());
  const auto running = died.Begin({.tenant = "t", .query = "rate(\"x\"\n[5m])", .step_ms = 15});
  { const auto ended = died.Begin({.tenant = "t", .query = "ended"}); }
  const auto too_long = died.Begin({.tenant = "t", .query = std::string(5'000, '\\')});
  EXPECT_EQ(std::filesystem::file_size(file_), ActiveQueries::kLines * ActiveQueries::kLineBytes);

  ActiveQueries next(clock_);
  const auto left = next.KeepIn(file_);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(*left, ElementsAre(AllOf(HasSubstr(R"x("query":"rate(\"x\"\n[5m])")x"),
                                       HasSubstr(R"x("step_ms":15)x")),
                                 HasSubstr(R"x("query":"\\\\)x")));
  ActiveQueries after(clock_);
  EXPECT_THAT(*after.KeepIn(file_), IsEmpty());
}

TEST_F(ActiveQueriesTest, AFileOfSomethingElseIsReplaced) {
  for (const size_t bytes : {size_t{100}, 2 * ActiveQueries::kLines * ActiveQueries::kLineBytes}) {
    std::ofstream(file_) << std::string(bytes, 'x');
    ActiveQueries queries(clock_);
    const auto left = queries.KeepIn(file_);
    ASSERT_TRUE(left.ok()) << left.status();
    EXPECT_THAT(*left, IsEmpty());
    EXPECT_EQ(std::filesystem::file_size(file_), ActiveQueries::kLines * ActiveQueries::kLineBytes);
  }
}

TEST_F(ActiveQueriesTest, SaysWhatIsWrongWithTheFile) {
  ActiveQueries queries(clock_);
  const auto left = queries.KeepIn("/nowhere/queries.active");
  ASSERT_FALSE(left.ok());
  EXPECT_THAT(std::string(left.status().message()), HasSubstr("/nowhere/queries.active"));
  EXPECT_THAT(queries.Of("t"), IsEmpty());
}

}  // namespace
}  // namespace leadline::collector::promql::govern
