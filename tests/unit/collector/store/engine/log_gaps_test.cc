#include "collector/store/engine/log_gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kNowMs = 1000;

std::vector<std::pair<int64_t, int64_t>> Lost(const LogScan& scan) {
  std::vector<std::pair<int64_t, int64_t>> lost;
  for (const TimeRange& range : LostTimes(scan, kNowMs)) {
    lost.emplace_back(range.oldest_ms, range.newest_ms);
  }
  return lost;
}

using Range = std::pair<int64_t, int64_t>;

TEST(LogGapsTest, NothingIsLostOfAWholeLog) {
  EXPECT_THAT(Lost({}), IsEmpty());
  EXPECT_THAT(Lost({.times = {{3, {10, 20}}}}), IsEmpty());
}

TEST(LogGapsTest, WhatIsLostIsBetweenWhatIsWhole) {
  const std::map<uint64_t, TimeRange> times = {{3, {10, 20}}, {4, {21, 30}}, {6, {41, 50}}};
  // Its begin may be what is lost, or its end.
  EXPECT_THAT(Lost({.damaged = {4}, .times = times}), ElementsAre(Range(20, 41)));
  // Nothing is left of it.
  EXPECT_THAT(Lost({.damaged = {5}, .times = times}), ElementsAre(Range(30, 41)));
  EXPECT_THAT(Lost({.missing = {{5, 5}}, .times = times}), ElementsAre(Range(30, 41)));
  // There was nothing before that anybody knows of, nor behind.
  EXPECT_THAT(Lost({.missing = {{1, 2}}, .times = times}), ElementsAre(Range(0, 10)));
  EXPECT_THAT(Lost({.damaged = {3}, .times = times}), ElementsAre(Range(0, 21)));
  EXPECT_THAT(Lost({.damaged = {6}, .times = times}), ElementsAre(Range(30, kNowMs)));
  EXPECT_THAT(Lost({.damaged = {9}}), ElementsAre(Range(0, kNowMs)));
}

TEST(LogGapsTest, LateSamplesWidenIt) {
  EXPECT_THAT(Lost({.damaged = {4}, .times = {{3, {10, 20}}, {4, {5, 70}}, {6, {41, 50}}}}),
              ElementsAre(Range(5, 70)));
}

TEST(LogGapsTest, SamplesOfUnknownSeriesAreLost) {
  EXPECT_THAT(Lost({.damaged = {4},
                    .times = {{4, {21, 30}}, {5, {31, 40}}},
                    .undefined = TimeRange{33, 35}}),
              ElementsAre(Range(0, 31), Range(33, 35)));
}

TEST(LogGapsTest, AreKnownAfterAStart) {
  const TempDir dir;
  const Paths paths(dir.File("data"));
  LogGaps gaps(file::PosixFiles(), paths);
  ASSERT_TRUE(gaps.Find().ok());
  EXPECT_THAT(gaps.Texts(0, INT64_MAX), IsEmpty());
  ASSERT_TRUE(gaps.Add({1'700'000'000'000, 1'700'000'060'500}).ok());
  ASSERT_TRUE(gaps.Add({0, 50}).ok());
  for (const auto& name : {"gap-", "gap-1", "gap-1-", "gap--1", "gap-1-2x", "log-1-2"}) {
    ASSERT_TRUE(file::PosixFiles().MakeDirs(paths.quarantine + "/" + name).ok());
  }
  LogGaps again(file::PosixFiles(), paths);
  ASSERT_TRUE(again.Find().ok());
  for (const LogGaps* const of : {&gaps, &again}) {
    EXPECT_THAT(of->Texts(1'700'000'060'500, INT64_MAX),
                ElementsAre(testing::AllOf(
                    HasSubstr("from 2023-11-14T22:13:20.000Z until 2023-11-14T22:14:20.500Z"),
                    HasSubstr(paths.quarantine))));
    EXPECT_THAT(of->Texts(50, 1'699'999'999'999),
                ElementsAre(HasSubstr("samples until 1970-01-01T00:00:00.050Z may be missing")));
    EXPECT_THAT(of->Texts(51, 1'699'999'999'999), IsEmpty());
    EXPECT_THAT(of->Texts(1'700'000'060'501, INT64_MAX), IsEmpty());
  }
}

TEST(LogGapsTest, AreKnownThoughTheyCannotBeKept) {
  const TempDir dir;
  const Paths paths(dir.File("data"));
  ASSERT_TRUE(file::PosixFiles().MakeDirs(paths.dir).ok());
  ASSERT_TRUE(file::PosixFiles().Create(paths.quarantine).ok());  // in the way
  LogGaps gaps(file::PosixFiles(), paths);
  EXPECT_FALSE(gaps.Add({10, 20}).ok());
  EXPECT_EQ(gaps.Texts(15, 15).size(), 1u);
}

}  // namespace
}  // namespace leadline::collector::store::engine
