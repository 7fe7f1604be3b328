// What goes wrong: full disks, failed syncs, a damaged log, second owners; and what is refused.
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/store/engine/manifest.h"
#include "collector/store/log/segment.h"
#include "tests/unit/collector/store/engine/faults_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FaultsTest : public FaultsFixture {
 protected:
  WriteBatch Numbered(uint64_t sequence) {
    WriteBatch batch = Sample(series_, kT0 + static_cast<int64_t>(sequence), double(sequence));
    batch.writer = writer_;
    batch.sequence = sequence;
    return batch;
  }

  std::vector<std::string> LogFiles() { return *files_.List(options_.dir + "/log"); }
  std::string LogFile(size_t number) { return options_.dir + "/log/" + LogFiles()[number]; }

  const WriterId writer_{HashId({"agent"}), 1};
};

TEST_F(FaultsTest, AFullDiskRefusesBatchesUntilThereIsRoom) {
  Append(Numbered(1));
  files_.FillDiskAfter(10);
  EXPECT_EQ(TryAppend(Numbered(2)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 1u);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
  files_.HealWrites();
  // Batch 3 must not make batch 2 look durable.
  EXPECT_EQ(TryAppend(Numbered(3)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 1u);
  Append(Numbered(2));
  Append(Numbered(3));
  Reopen();
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 3u);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 2=2 3=3)"));
}

TEST_F(FaultsTest, AfterAFailedSyncTheLogGoesOnBehindWhatWasAcknowledged) {
  Append(Numbered(1));
  files_.FailSyncs(true);
  EXPECT_FALSE(TryAppend(Numbered(2)).ok());
  EXPECT_FALSE(TryAppend(Sample(series_, kT0 + 7, 7)).ok());
  EXPECT_FALSE(store_->Health().ok());
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 1u);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
  EXPECT_GE(Metric("log_errors_total"), 2);
  files_.FailSyncs(false);
  EXPECT_EQ(TryAppend(Numbered(3)).code(), absl::StatusCode::kUnavailable);  // 2 first
  Append(Numbered(2));
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  const std::string both = R"({__name__="m"} 1=1 2=2)";
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(both));
  // What was not acknowledged is on the disk, and does not count.
  Reopen();
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 2u);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(both));
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
}

TEST_F(FaultsTest, ALogThatLostItsEndIsDamagedUnlessItIsTheLast) {
  Append(Numbered(1));
  Append(Numbered(2));
  Reopen();
  Append(Numbered(3));
  store_.reset();
  const std::string first = LogFile(0);
  const std::string contents = *files_.Read(first);
  std::filesystem::resize_file(first, contents.rfind("LLfr"));  // between two commits
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 3=3)"));
}

// Of the run before, whose number the manifest has.
TEST_F(FaultsTest, TheLastSegmentOfTheLogIsMissed) {
  Append(Numbered(1));
  Reopen();
  Append(Numbered(2));
  store_.reset();
  ASSERT_EQ(LogFiles().size(), 2u);
  const std::string last = LogFile(1);
  std::filesystem::rename(last, dir_.File("last"));
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
  Append(Numbered(2));
  // Its number is not taken, so that it can come back.
  EXPECT_FALSE(std::filesystem::exists(last));
  store_.reset();
  std::filesystem::rename(dir_.File("last"), last);
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 2=2)"));
  // Nor is it missed when a flush has made it unnecessary.
  Flush();
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
}

// Its header was on disk before the manifest had its number.
TEST_F(FaultsTest, TheLastSegmentOfTheLogIsDamagedWhenNothingIsLeftOfIt) {
  for (const bool is_cut : {true, false}) {
    Append(Numbered(1));
    Reopen();
    Append(Numbered(2));
    store_.reset();
    const std::string last = LogFile(LogFiles().size() - 1);
    const uint64_t size = std::filesystem::file_size(last);
    std::filesystem::resize_file(last, 0);
    if (!is_cut) std::filesystem::resize_file(last, size);  // zeros
    Reopen();
    EXPECT_EQ(Metric("store_quarantined_total"), 1);
    EXPECT_EQ(Metric("log_torn_bytes_total"), 0);
    EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
    Reopen();
    EXPECT_EQ(Metric("store_quarantined_total"), 0);
    store_.reset();
    std::filesystem::remove_all(options_.dir);
    Reopen();
  }
}

TEST_F(FaultsTest, ASegmentThatWasBegunSinceTheManifestIsNotedSoon) {
  options_.log_segment_bytes = 1;  // each commit is the last of its segment
  options_.maintenance_interval = absl::Milliseconds(1);
  Reopen();
  const uint64_t written_to = log::SegmentNumber(LogFiles().back());
  Append(Numbered(1));
  // The next one is begun after the batch is acknowledged.
  const auto noted = [this] {
    const auto manifest = ParseManifest(*files_.Read(options_.dir + "/MANIFEST"));
    return manifest.ok() ? manifest->newest_segment : 0;
  };
  while (noted() <= written_to) std::this_thread::yield();
  store_.reset();
  ASSERT_EQ(LogFiles().back(), log::SegmentName(written_to + 1));
  std::filesystem::remove(LogFile(LogFiles().size() - 1));
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
}

TEST_F(FaultsTest, AFlushThatFailsLosesNothingAndTheNextSucceeds) {
  // From no room for the new segment's header up to too little for the manifest, which comes last.
  constexpr uint64_t kStep = 10;
  constexpr uint64_t kTries = 15;
  for (uint64_t i = 0; i < kTries; ++i) {
    Append(Numbered(1 + i));
    files_.FillDiskAfter(i * kStep);
    EXPECT_FALSE(store_->Flush().ok()) << i;
    files_.HealWrites();
  }
  EXPECT_EQ(Metric("flush_errors_total"), kTries);
  EXPECT_EQ(Select({Name("m")})[0].ts_ms.size(), kTries);
  Flush();
  EXPECT_EQ(Select({Name("m")})[0].ts_ms.size(), kTries);
  EXPECT_EQ(LogFiles().size(), 1u);
  Reopen();
  EXPECT_EQ(Select({Name("m")})[0].ts_ms.size(), kTries);
}

TEST_F(FaultsTest, ATornEndIsCutAndCounted) {
  Append(Numbered(1));
  Append(Numbered(2));
  store_.reset();
  const std::string log = LogFile(LogFiles().size() - 1);
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 1);
  Reopen();
  EXPECT_GT(Metric("log_torn_bytes_total"), 0);
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 1u);
  Reopen();
  EXPECT_EQ(Metric("log_torn_bytes_total"), 0);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
}

TEST_F(FaultsTest, OfADamagedSegmentTheRestIsServed) {
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) Append(Numbered(sequence));
  store_.reset();
  const std::string first = LogFile(0);
  const std::string contents = *files_.Read(first);
  size_t third = contents.find("LLfr");
  for (int frame = 1; frame < 3; ++frame) third = contents.find("LLfr", third + 1);
  Damage(first, third + 30);
  Reopen();
  const std::string all_but_the_third = R"({__name__="m"} 1=1 2=2 4=4 5=5)";
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(all_but_the_third));
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 5u);
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_EQ(Metric("log_salvaged_frames_total"), 2);
  EXPECT_EQ(files_.List(options_.dir + "/quarantine")->size(), 2u);  // with the times of a gap
  const auto gaps = store_->queryable().Gaps(kT0 + 3, kT0 + 3);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_THAT(gaps[0], testing::HasSubstr("the log was found damaged"));
  // What was served is durable without the damaged segment.
  Reopen();
  EXPECT_EQ(store_->queryable().Gaps(kT0 + 3, kT0 + 3), gaps);
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(all_but_the_third));
}

TEST_F(FaultsTest, SamplesWhoseDefinitionIsLostAreCounted) {
  Append(Numbered(1));
  const model::SeriesDefinition other{"n", HashId({"e"}), {}};
  AppendSample(other, kT0 + 1, 1);  // defines n
  WriteBatch both = Sample(other, kT0 + 2, 2);
  both.series.push_back(Resolve(series_));
  both.floats[0].series.push_back(1);
  both.floats[0].values.push_back(7);
  Append(std::move(both));
  store_.reset();
  const std::string contents = *files_.Read(LogFile(0));
  Damage(LogFile(0), contents.find("LLfr", contents.find("LLfr") + 1) + 30);
  Reopen();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 2=7)"));
  EXPECT_THAT(Select({Name("n")}), IsEmpty());
  EXPECT_EQ(Metric("samples_dropped_total"), 1);
}

TEST_F(FaultsTest, NothingPassesABatchThatWasRefused) {
  Append(Numbered(1));
  WriteBatch bad = Numbered(2);
  bad.floats[0].ts_ms = -1;
  EXPECT_EQ(TryAppend(bad).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(TryAppend(Numbered(3)).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 1u);
  Append(Numbered(2));
  Append(Numbered(3));
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 3u);
}

// Looks at the disk at once, not after a second.
TEST_F(FaultsTest, StopsBeforeTheDiskIsFull) {
  Append(Numbered(1));
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  files_.SayFree(options_.min_free_bytes - 1);
  Reopen();
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(store_->Health().message()), HasSubstr(options_.dir));
  EXPECT_EQ(TryAppend(Numbered(2)).code(), absl::StatusCode::kResourceExhausted);
  Flush();  // which makes room
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1)"));
  files_.SayFree(options_.min_free_bytes);
  Reopen();
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  Append(Numbered(2));
}

TEST_F(FaultsTest, SaysWhyItIsNotWell) {
  Append(Numbered(1));
  files_.FillDiskAfter(0);
  EXPECT_FALSE(store_->Flush().ok());
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kResourceExhausted);
  files_.HealWrites();
  Flush();
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  files_.FillDiskAfter(10);
  EXPECT_FALSE(TryAppend(Numbered(2)).ok());
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kResourceExhausted);
  files_.HealWrites();
  Flush();
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  Append(Numbered(2));
  files_.FailSyncs(true);
  EXPECT_FALSE(TryAppend(Numbered(3)).ok());
  EXPECT_THAT(std::string(store_->Health().message()), HasSubstr("fdatasync"));
  files_.FailSyncs(false);
  Append(Numbered(3));
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
}

TEST_F(FaultsTest, WhatCannotBeFlushedIsBounded) {
  options_.max_unflushed_bytes = 2000;
  Reopen();
  uint64_t sequence = 1;
  while (TryAppend(Numbered(sequence)).ok()) {
    ASSERT_LT(++sequence, 100u);
    files_.FillDiskAfter(1 << 20);
  }
  EXPECT_GT(sequence, 5u);
  EXPECT_THAT(std::string(store_->Health().message()),
              HasSubstr("could not be written to windows"));
  files_.HealWrites();
  Flush();
  // Those who wait for it to be well do not write.
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  Append(Numbered(sequence));
}

TEST_F(FaultsTest, ASecondOwnerIsRefused) {
  StoreOptions second = options_;
  second.registry = nullptr;
  const auto refused = OpenStore(second);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(options_.dir));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(std::to_string(getpid())));
  store_.reset();
  EXPECT_TRUE(OpenStore(second).ok());
}

TEST_F(FaultsTest, CountsWhatItDoes) {
  Append(Numbered(1));
  Append(Numbered(1));
  AppendSample(series_, kT0 + 1, 1);
  AppendSample(series_, kT0 + 1, 2);
  Flush();
  EXPECT_EQ(Metric("samples_appended_total"), 1);
  EXPECT_EQ(Metric("duplicates_total"), 3);  // a batch, a sample, a replaced sample
  EXPECT_GE(Metric("log_fsyncs_total"), 3);
  EXPECT_GT(Metric("log_bytes_total"), 0);
  EXPECT_EQ(Metric("window_flushes_total"), 1);
}

struct BadBatch {
  const char* what;
  std::function<void(WriteBatch&)> spoil;
  const char* says;
};

std::function<void(WriteBatch&)> WithHistogram(model::NativeHistogram histogram) {
  return [histogram = std::move(histogram)](WriteBatch& batch) {
    batch.histograms.push_back({kT0, {0}, {histogram}});
  };
}

TEST_F(FaultsTest, RefusesBadBatches) {
  const BadBatch cases[] = {
      {"handle", [](WriteBatch& batch) { batch.series[0] += 1'000'000; }, "handle"},
      {"index", [](WriteBatch& batch) { batch.floats[0].series[0] = 1; }, "series 1 of 1"},
      {"shape", [](WriteBatch& batch) { batch.floats[0].values.clear(); }, "1 series and 0 values"},
      {"time", [](WriteBatch& batch) { batch.floats[0].ts_ms = -1; }, "timestamp -1"},
      {"far time", [](WriteBatch& batch) { batch.floats[0].ts_ms = INT64_MAX; }, "timestamp 9223"},
      {"buckets", WithHistogram({.positive = {{3, 1}, {3, 1}}}), "bucket 3"},
      {"empty bucket", WithHistogram({.negative = {{3, 0}}}), "empty"},
      {"bucket of -0",
       WithHistogram({.float_counts = true, .positive = {{3, model::FloatCount(-0.0)}}}), "empty"},
      {"bucket below 0",
       WithHistogram({.float_counts = true, .negative = {{3, model::FloatCount(-0.5)}}}),
       "bucket 3 of a histogram has -0.5 observations"},
      {"bounds of exponential buckets", WithHistogram({.custom_bounds = {1}}), "schema 0"},
      {"order of bounds", WithHistogram({.schema = model::kCustomBuckets, .custom_bounds = {2, 2}}),
       "bound 2 of a histogram comes after 2"},
      {"infinite bound",
       WithHistogram({.schema = model::kCustomBuckets, .custom_bounds = {2, HUGE_VAL}}),
       "inf of a histogram is not finite"},
      {"bucket without bounds",
       WithHistogram({.schema = model::kCustomBuckets, .positive = {{2, 1}}, .custom_bounds = {1}}),
       "not among its 1 custom bounds"},
      {"negative buckets with bounds",
       WithHistogram({.schema = model::kCustomBuckets, .negative = {{0, 1}}, .custom_bounds = {1}}),
       "negative ones"},
      {"life",
       [](WriteBatch& batch) {
         batch.entities = {Container("x", {}, kT0)};
         batch.entities[0].end_ms = kT0 - 1;
       },
       "before its start"},
      {"labels",
       [](WriteBatch& batch) {
         batch.entities = {Container("x", LabelSet({{"a", std::string(20'000, 'x')}}), kT0)};
       },
       "20000 bytes"},
  };
  for (const BadBatch& test : cases) {
    WriteBatch batch = Sample(series_, kT0, 1);
    test.spoil(batch);
    const absl::Status status = TryAppend(batch);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << test.what;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.says)) << test.what;
  }
  EXPECT_THAT(Select({Name("m")}), IsEmpty());
  EXPECT_FALSE(TryAppend(Sample(series_, kT0, 1), "").ok());
  EXPECT_FALSE(TryAppend(Sample(series_, kT0, 1), "other").ok());
  EXPECT_FALSE(store_->Resolve(kTenant, {{"", {}, {}}}).ok());
  EXPECT_EQ(Metric("batches_rejected_total"), 18);
}

}  // namespace
}  // namespace leadline::collector::store::engine
