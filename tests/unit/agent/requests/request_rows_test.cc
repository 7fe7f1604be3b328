#include "agent/requests/request_rows.h"

#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::requests {
namespace {

using protocols::base::Protocol;
using protocols::base::RecordKind;
using protocols::base::RequestRecord;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

RequestRecord Get(std::string_view route, std::string_view status = "200") {
  return {.protocol = Protocol::kHttp1,
          .operation = "GET",
          .target = route,
          .status = status,
          .request_first_ns = 1'000,
          .request_last_ns = 1'500,
          .response_first_ns = 2'000,
          .response_last_ns = 1'001'000};
}

// "cgroup operation target status error: requests", with " last" where the row is given up.
std::vector<std::string> ReadAll(RequestRows& rows) {
  std::vector<std::string> texts;
  rows.Read([&](const RequestCounters& row) {
    uint64_t count = 0;
    for (const HistogramBucket& bucket : row.buckets) count += bucket.count;
    std::string text = std::to_string(row.cgroup_id);
    for (const std::string_view part :
         {row.key.operation, row.key.target, row.key.status, row.key.error}) {
      text += " " + std::string(part.empty() ? "-" : part);
    }
    texts.push_back(text + ": " + std::to_string(count) + (row.last ? " last" : ""));
  });
  return texts;
}

TEST(RequestRows, CountsByCgroupAndWhatWasAsked) {
  RequestRows rows({});
  rows.Add(1, Get("/a"));
  rows.Add(1, Get("/a"));
  rows.Add(1, Get("/a", "404"));
  rows.Add(2, Get("/a"));
  const auto expected =
      UnorderedElementsAre("1 GET /a 200 -: 2", "1 GET /a 404 -: 1", "2 GET /a 200 -: 1");
  EXPECT_THAT(ReadAll(rows), expected);
  EXPECT_THAT(ReadAll(rows), expected) << "rows are cumulative";
}

TEST(RequestRows, CountForThoseThatWereLeftOut) {
  RequestRows rows({});
  rows.Add(1, Get("/a"), 8);
  rows.Add(1, Get("/a"));
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 -: 9"));
  rows.Read([](const RequestCounters& row) { EXPECT_EQ(row.duration_ns, 9 * 1'000'000U); });
}

TEST(RequestRows, OfADatabaseTheSummaryCountsNotTheText) {
  RequestRows rows({});
  RequestRecord record = Get("select a from t where b = ?", "");
  record.kind = RecordKind::kDb;
  record.operation = "SELECT";
  record.summary = "SELECT t";
  rows.Add(1, record);
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 SELECT SELECT t - -: 1"));
}

TEST(RequestRows, HaveTheTimeFromTheFirstByteToTheLast) {
  RequestRows rows({});
  rows.Add(1, Get("/a"));  // 1 ms
  rows.Read([](const RequestCounters& row) {
    EXPECT_EQ(row.duration_ns, 1'000'000u);
    ASSERT_EQ(row.buckets.size(), 1u);
    const double upper = std::exp2(row.buckets[0].index / 8.0);
    EXPECT_LE(0.001, upper);
    EXPECT_GT(0.001, upper / std::exp2(1 / 8.0));
  });
}

TEST(RequestRows, BucketsHoldTheirUpperBounds) {
  EXPECT_EQ(RequestBucket(1'000'000'000), 0);
  EXPECT_EQ(RequestBucket(1'000'000'001), 1);
  EXPECT_EQ(RequestBucket(500'000'000), -8);
  EXPECT_EQ(RequestBucket(2'000'000'000), 8);
  for (uint64_t ns = 1; ns < (uint64_t{1} << 50); ns = ns * 21 / 20 + 1) {
    const double seconds = static_cast<double>(ns) / 1e9;
    const int32_t index = RequestBucket(ns);
    EXPECT_LE(seconds, std::exp2(index / 8.0) * (1 + 1e-12)) << ns;
    EXPECT_GT(seconds, std::exp2((index - 1) / 8.0) * (1 - 1e-12)) << ns;
  }
}

TEST(RequestRows, LeavesOutWhatNothingSaysTheEndOf) {
  RequestRows rows({});
  RequestRecord record = Get("/a");
  record.response_first_ns = record.response_last_ns = 0;
  rows.Add(1, record);
  EXPECT_THAT(ReadAll(rows), IsEmpty());
  EXPECT_EQ(rows.losses(RequestRows::kNoResponse), 1u);
  // That the connection ended is an answer.
  record.error = "connection_closed";
  rows.Add(1, record);
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 connection_closed: 1"));
}

TEST(RequestRows, WhatHasNoRoomCountsUnderOther) {
  RequestRows rows({.rows = 2});
  for (const char* route : {"/a", "/b", "/c", "/d", "/a", "/e"}) rows.Add(1, Get(route));
  for (const char* status : {"201", "202", "203", "204"}) rows.Add(1, Get("/f", status));
  rows.Add(2, Get("/g"));  // another cgroup's
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 -: 2", "1 GET /b 200 -: 1",
                                                  "1 GET ~other 200 -: 3", "1 GET ~other 201 -: 1",
                                                  "1 ~other ~other - -: 3", "2 GET /g 200 -: 1"));
  EXPECT_EQ(rows.losses(RequestRows::kTargetCapped), 7u);
  EXPECT_EQ(rows.size(), 6u);
}

TEST(RequestRows, AllCgroupsTogetherHaveALimitToo) {
  RequestRows rows({.rows = 10, .all_rows = 2});
  for (uint64_t cgroup = 1; cgroup <= 5; ++cgroup) rows.Add(cgroup, Get("/a"));
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 -: 1", "2 GET /a 200 -: 1",
                                                  "3 GET ~other 200 -: 1", "4 GET ~other 200 -: 1",
                                                  "5 ~other ~other - -: 1"));
}

TEST(RequestRows, AnEndedCgroupIsHandedOutOnceMore) {
  RequestRows rows({});
  rows.Add(1, Get("/a"));
  rows.Add(2, Get("/a"));
  rows.Forget(1);
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 -: 1 last", "2 GET /a 200 -: 1"));
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("2 GET /a 200 -: 1"));
  EXPECT_EQ(rows.size(), 1u);
  rows.Add(1, Get("/a"));
  EXPECT_THAT(ReadAll(rows), UnorderedElementsAre("1 GET /a 200 -: 1", "2 GET /a 200 -: 1"))
      << "nothing of the former row is left";
}

TEST(RequestRows, AreFoundAgainWhateverCameBetween) {
  RequestRows rows({.rows = 1000});
  std::vector<std::string> expected;
  for (int turn = 0; turn < 3; ++turn) {
    for (int i = 0; i < 600; ++i) {
      rows.Add(static_cast<uint64_t>(i % 3),
               Get("/" + std::to_string(i), i % 2 == 0 ? "200" : "404"));
    }
  }
  for (int i = 0; i < 600; ++i) {
    expected.push_back(std::to_string(i % 3) + " GET /" + std::to_string(i) +
                       (i % 2 == 0 ? " 200" : " 404") + " -: 3");
  }
  EXPECT_THAT(ReadAll(rows), testing::UnorderedElementsAreArray(expected));
}

}  // namespace
}  // namespace leadline::agent::requests
