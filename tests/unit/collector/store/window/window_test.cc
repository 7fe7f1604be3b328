#include "collector/store/window/window.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/rocks.h"
#include "tests/unit/collector/store/golden.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::window {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kStart = 1'700'006'400'000;  // 2023-11-15

chunk::Piece FloatRun(const std::vector<std::pair<int64_t, double>>& samples) {
  chunk::Floats run;
  for (const auto& [ts, value] : samples) run.Append(kStart + ts, value);
  return {.floats = std::make_shared<const chunk::Floats>(std::move(run))};
}

index::DefinitionPtr Series(const std::string& metric) {
  return index::Intern(model::SeriesDefinition{metric, HashId({"e"}), LabelSet({{"x", "1"}})});
}

index::TimelinePtr Timeline(uint64_t revision, const std::string& pod) {
  model::EntityTimeline timeline;
  model::EntityVersion version;
  version.id = HashId({"e"});
  version.labels = LabelSet({{"pod", pod}});
  version.revision = revision;
  timeline.Add(version);
  return std::make_shared<const model::EntityTimeline>(timeline);
}

class WindowTest : public testing::Test {
 protected:
  void SetUp() override { Open(/*create=*/true); }

  void Open(bool create) {
    window_.reset();
    auto opened = Window::Open(dir_.File("w"), kStart, {MakeBlockCache(1 << 20)}, create);
    ASSERT_TRUE(opened.ok()) << opened.status();
    window_ = *std::move(opened);
  }

  void Write(const TenantChunks& chunks, const std::string& tenant = "t") {
    const absl::Status status = window_->Write(tenant, chunks);
    ASSERT_TRUE(status.ok()) << status;
  }

  // The samples as they lie in chunks, one text a chunk.
  std::vector<std::string> Chunks(const std::string& metric, int64_t start_ms = 0,
                                  int64_t end_ms = INT64_MAX) {
    const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", metric}});
    std::vector<SeriesRef> refs;
    EXPECT_TRUE(window_->Find("t", *matchers, {}, refs).ok());
    std::vector<std::string> texts;
    const absl::Status read =
        window_->Read("t", refs, start_ms, end_ms, [&](size_t, const chunk::Piece& piece) {
          chunk::Floats floats;
          absl::Status status =
              codec::DecodeChunk(piece.sealed->bytes, floats.ts_ms, floats.values);
          std::string text;
          for (size_t i = 0; i < floats.size(); ++i) {
            text += (i ? " " : "") + std::to_string(floats.ts_ms[i] - kStart) + "=" +
                    std::to_string(static_cast<int>(floats.values[i]));
          }
          texts.push_back(text);
          return status;
        });
    EXPECT_TRUE(read.ok()) << read;
    return texts;
  }

  TempDir dir_;
  std::shared_ptr<Window> window_;
};

TEST_F(WindowTest, KeepsChunksApartThatDoNotOverlap) {
  Write({{{Series("m"), {FloatRun({{1, 1}, {2, 2}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{3, 3}})}}}, {}});
  EXPECT_THAT(Chunks("m"), ElementsAre("1=1 2=2", "3=3"));
}

TEST_F(WindowTest, MergesWhatOverlapsSoThatNothingIsThereTwice) {
  Write({{{Series("m"), {FloatRun({{10, 1}, {20, 2}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{30, 3}, {40, 4}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{15, 5}, {30, 6}})}}}, {}});
  EXPECT_THAT(Chunks("m"), ElementsAre("10=1 15=5 20=2 30=6 40=4"));
}

TEST_F(WindowTest, WritingAgainChangesNothing) {
  const TenantChunks chunks{{{Series("m"), {FloatRun({{1, 1}, {2, 2}}), FloatRun({{2, 3}})}}}, {}};
  Write(chunks);
  Write(chunks);
  EXPECT_THAT(Chunks("m"), ElementsAre("1=1 2=3"));
}

TEST_F(WindowTest, LeavesOutOtherWindows) {
  Write({{{Series("m"),
           {FloatRun({{-1, 1}, {0, 2}, {chunk::kWindowMs - 1, 3}, {chunk::kWindowMs, 4}})}}},
         {}});
  EXPECT_THAT(Chunks("m"), ElementsAre("0=2 86399999=3"));
}

TEST_F(WindowTest, ReadsOnlyChunksThatMeetTheRange) {
  for (int64_t ts = 0; ts < 5; ++ts) {
    Write({{{Series("m"), {FloatRun({{ts * 10, 1}, {ts * 10 + 5, 2}})}}}, {}});
  }
  EXPECT_THAT(Chunks("m", kStart + 15, kStart + 20), ElementsAre("10=1 15=2", "20=1 25=2"));
  EXPECT_THAT(Chunks("m", kStart + 16, kStart + 19), IsEmpty());
}

TEST_F(WindowTest, TheDictionaryOutlivesAReopen) {
  Write({{{Series("a"), {FloatRun({{1, 1}})}}, {Series("b"), {FloatRun({{1, 2}})}}},
         {Timeline(1, "old")}});
  Write({{{Series("a"), {FloatRun({{2, 3}})}}}, {Timeline(2, "new")}});
  Write({{}, {Timeline(1, "old")}});
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false);
  EXPECT_THAT(Chunks("a"), ElementsAre("1=1", "2=3"));
  EXPECT_THAT(Chunks("b"), ElementsAre("1=2"));
  std::vector<index::TimelinePtr> timelines;
  ASSERT_TRUE(window_->Timelines("t", timelines).ok());
  ASSERT_EQ(timelines.size(), 1u);
  EXPECT_EQ(*timelines[0], *Timeline(2, "new"));
  EXPECT_TRUE(*window_->HasEntity("t", HashId({"e"})));
  EXPECT_FALSE(*window_->HasEntity("other", HashId({"e"})));
}

TEST_F(WindowTest, WhatWasNotSyncedIsGoneAndTheRestIsWhole) {
  Write({{{Series("a"), {FloatRun({{1, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  Write({{{Series("b"), {FloatRun({{1, 1}})}}}, {}});
  Open(/*create=*/false);
  EXPECT_THAT(Chunks("a"), ElementsAre("1=1"));
  EXPECT_THAT(Chunks("b"), IsEmpty());
}

TEST_F(WindowTest, AMalformedRowOrChunkIsDataLossWithTheWindowsPath) {
  Write({{{Series("m"), {FloatRun({{1, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  window_.reset();
  const std::map<std::string, std::string> bad = {
      {RowKey(Table::kSeries, "t", 0), "x"},
      {RowKey(Table::kSeries, "t", 7), EncodeSeriesRow({0, 0, LabelSet({{"x", "2"}})})},
      {RowKey(Table::kEntity, "t", 3), EncodeEntityRow({HashId({"f"}), {}})},
      {RowKey(Table::kMetric, "t", 3), "m3"},
      {std::string("\x02\x05") + "t", ""},
  };
  for (const auto& [key, row] : bad) {
    std::string good;
    {
      rocksdb::DB* db = nullptr;
      ASSERT_TRUE(rocksdb::DB::Open(WindowOptions({}, false), dir_.File("w"), &db).ok());
      const std::unique_ptr<rocksdb::DB> owned(db);
      db->Get(rocksdb::ReadOptions(), key, &good);
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), key, row).ok());
    }
    Open(/*create=*/false);
    std::vector<index::TimelinePtr> timelines;
    const absl::Status status = window_->Timelines("t", timelines);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(dir_.File("w")));
    window_.reset();
    {
      rocksdb::DB* db = nullptr;
      ASSERT_TRUE(rocksdb::DB::Open(WindowOptions({}, false), dir_.File("w"), &db).ok());
      const std::unique_ptr<rocksdb::DB> owned(db);
      ASSERT_TRUE((good.empty() ? db->Delete(rocksdb::WriteOptions(), key)
                                : db->Put(rocksdb::WriteOptions(), key, good))
                      .ok());
    }
  }
  Open(/*create=*/false);
  EXPECT_THAT(Chunks("m"), ElementsAre("1=1"));
}

TEST(WindowKeys, AreAsTheyAreOnDisk) {
  std::string all;
  const auto add = [&](const std::string& key, const std::string& value) {
    all +=
        std::to_string(key.size()) + "," + std::to_string(value.size()) + ":" + key + value + "\n";
  };
  add(FormatKey(), std::string(1, static_cast<char>(kWindowVersion)));
  add(RowKey(Table::kEntity, "default", 258), EncodeEntityRow({HashId({"e"}), *Timeline(3, "p")}));
  add(RowKey(Table::kMetric, "default", 1), "up");
  add(RowKey(Table::kSeries, "default", 2), EncodeSeriesRow({1, 258, LabelSet({{"x", "y"}})}));
  add(ChunkKey(ChunkPrefix("default", 1, 2, codec::ChunkKind::kHistogram), kStart), "chunk");
  Golden("window_rows.bin", all);
}

TEST(WindowKeys, RowsRoundTripAndRefuseTruncation) {
  const std::string entity = EncodeEntityRow({HashId({"e"}), *Timeline(3, "p")});
  EXPECT_EQ(ParseEntityRow(entity)->timeline, *Timeline(3, "p"));
  const std::string series = EncodeSeriesRow({1, 258, LabelSet({{"x", "y"}})});
  EXPECT_EQ(ParseSeriesRow(series)->entity, 258u);
  for (size_t size = 0; size < entity.size(); ++size) {
    EXPECT_FALSE(ParseEntityRow(entity.substr(0, size)).has_value()) << size;
  }
  for (size_t size = 0; size < series.size(); ++size) {
    EXPECT_FALSE(ParseSeriesRow(series.substr(0, size)).has_value()) << size;
  }
  EXPECT_EQ(ParseRowKey(RowKey(Table::kSeries, "t", 9))->ordinal, 9u);
  EXPECT_FALSE(ParseRowKey("\x01").has_value());
}

TEST(WindowKeys, ChunksOfASeriesAreInOrderOfTime) {
  const std::string prefix = ChunkPrefix("t", 1, 2, codec::ChunkKind::kFloat);
  EXPECT_LT(ChunkKey(prefix, 255), ChunkKey(prefix, 256));
  EXPECT_LT(ChunkKey(prefix, chunk::kMaxTimestampMs),
            ChunkKey(ChunkPrefix("t", 1, 3, codec::ChunkKind::kFloat), 0));
  EXPECT_EQ(ChunkKeyFirstMs(ChunkKey(prefix, kStart)), kStart);
}

}  // namespace
}  // namespace leadline::collector::store::window
