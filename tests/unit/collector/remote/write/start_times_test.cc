#include "collector/remote/write/start_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::remote::write {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr store::SeriesHandle kHandle = 7;

// Of one series with one sample.
Request RequestOf(int64_t start_ms, int64_t ts_ms, double value = 1) {
  Request request;
  request.has_starts = true;
  request.samples.push_back({ts_ms, value});
  request.series.emplace_back().samples_end = 1;
  request.series.back().created_ms = start_ms;
  return request;
}

class StartTimesTest : public testing::Test {
 protected:
  // Where zeros are to be.
  std::vector<int64_t> Look(Request request, bool is_durable = true) {
    const StartTimes::Seen seen = starts_.Look(request, {&kHandle, 1});
    if (is_durable) starts_.Keep(seen);
    std::vector<int64_t> times;
    for (const Zero& zero : request.zeros) times.push_back(zero.ts_ms);
    return times;
  }

  StartTimes starts_{2};
};

TEST_F(StartTimesTest, SayNothingOfWhatIsNoCounter) {
  EXPECT_THAT(Look(RequestOf(1'000, 2'000)), IsEmpty());
}

TEST_F(StartTimesTest, ARequestThatIsNotTakenGetsItsZerosWhenItComesAgain) {
  starts_.Add(kHandle);
  for (const bool is_durable : {false, false, true}) {
    EXPECT_THAT(Look(RequestOf(1'000, 2'000), is_durable), ElementsAre(1'000));
  }
  EXPECT_THAT(Look(RequestOf(1'000, 2'000)), IsEmpty());
  for (const bool is_durable : {false, true}) {
    EXPECT_THAT(Look(RequestOf(2'500, 3'000), is_durable), ElementsAre(2'500));
  }
  EXPECT_THAT(Look(RequestOf(2'500, 4'000)), IsEmpty());
}

TEST_F(StartTimesTest, AMarkerBeginsNothing) {
  starts_.Add(kHandle);
  EXPECT_THAT(Look(RequestOf(1'000, 2'000)), ElementsAre(1'000));
  EXPECT_THAT(Look(RequestOf(2'500, 3'000, model::StaleNan())), IsEmpty());
  EXPECT_THAT(Look(RequestOf(2'500, 4'000)), ElementsAre(2'500));
}

// The counter was scraped before; that it is long since it began does not matter.
TEST_F(StartTimesTest, AResetMayBeLongBeforeItsSample) {
  starts_.Add(kHandle);
  EXPECT_THAT(Look(RequestOf(1'000, 1'000'000)), IsEmpty());
  EXPECT_THAT(Look(RequestOf(1'001'000, 2'000'000)), ElementsAre(1'001'000));
}

TEST_F(StartTimesTest, AreForgottenInTurns) {
  starts_.Add(kHandle);
  EXPECT_THAT(Look(RequestOf(1'000, 2'000)), ElementsAre(1'000));
  // Two generations of two; what is asked for stays.
  for (store::SeriesHandle other = 100; other < 103; ++other) starts_.Add(other);
  EXPECT_THAT(Look(RequestOf(1'000, 3'000)), IsEmpty());
  for (store::SeriesHandle other = 200; other < 202; ++other) starts_.Add(other);
  EXPECT_THAT(Look(RequestOf(3'500, 4'000)), ElementsAre(3'500));
  for (store::SeriesHandle other = 300; other < 310; ++other) starts_.Add(other);
  EXPECT_THAT(Look(RequestOf(4'500, 5'000)), IsEmpty());
  starts_.Add(kHandle);
  starts_.Clear();
  EXPECT_THAT(Look(RequestOf(5'500, 6'000)), IsEmpty());
}

}  // namespace
}  // namespace leadline::collector::remote::write
