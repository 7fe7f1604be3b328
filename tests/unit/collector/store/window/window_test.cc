#include "collector/store/window/window.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/postings_row.h"
#include "collector/store/window/rocks.h"
#include "collector/store/window/series_block.h"
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

std::string Row(const std::vector<uint32_t>& ordinals) {
  std::string row;
  AppendPostings(ordinals, row);
  return row;
}

class WindowTest : public testing::Test {
 protected:
  void SetUp() override { Open(/*create=*/true); }

  void Open(bool create) {
    window_.reset();
    auto opened = Window::Open(dir_.File("w"), kStart, {MakeBlockCache(1 << 20)},
                               create ? Window::Access::kCreate : Window::Access::kWrite);
    ASSERT_TRUE(opened.ok()) << opened.status();
    window_ = *std::move(opened);
  }

  void Write(const TenantChunks& chunks, const std::string& tenant = "t") {
    const absl::Status status = window_->Write(tenant, chunks);
    ASSERT_TRUE(status.ok()) << status;
  }

  // The samples as they lie in pieces, one text a piece.
  std::vector<std::string> Pieces(const std::string& metric, int64_t start_ms = 0,
                                  int64_t end_ms = INT64_MAX) {
    std::vector<std::string> texts;
    for (const auto& [number, pieces] : Read(metric, start_ms, end_ms)) {
      for (const chunk::Piece& piece : pieces) texts.push_back(TextOf({piece}));
    }
    return texts;
  }

  // The samples as they count, one text a series.
  std::vector<std::string> Samples(const std::string& metric) {
    std::vector<std::string> texts;
    for (const auto& [number, pieces] : Read(metric, 0, INT64_MAX)) texts.push_back(TextOf(pieces));
    return texts;
  }

  std::map<size_t, std::vector<chunk::Piece>> Read(const std::string& metric, int64_t start_ms,
                                                   int64_t end_ms) {
    const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", metric}});
    std::vector<SeriesRef> refs;
    EXPECT_TRUE(window_->dictionary().Find("t", *matchers, {}, refs).ok());
    std::map<size_t, std::vector<chunk::Piece>> pieces;
    const absl::Status read =
        window_->Read("t", refs, start_ms, end_ms, [&](size_t number, chunk::Piece piece) {
          pieces[number].push_back(std::move(piece));
          return absl::OkStatus();
        });
    EXPECT_TRUE(read.ok()) << read;
    return pieces;
  }

  static std::string TextOf(const std::vector<chunk::Piece>& pieces) {
    chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
    const auto merged = chunk::MergePieces(pieces, {0, INT64_MAX}, unlimited);
    EXPECT_TRUE(merged.ok()) << merged.status();
    std::string text;
    for (size_t i = 0; i < merged->floats.size(); ++i) {
      text += (i ? " " : "") + std::to_string(merged->floats.ts_ms[i] - kStart) + "=" +
              std::to_string(static_cast<int>(merged->floats.values[i]));
    }
    return text;
  }

  TempDir dir_;
  std::shared_ptr<Window> window_;
};

TEST_F(WindowTest, IsReadFromMemoryOnceItIsWarm) {
  // Long enough that the second lies alone in the table: what is beside others is read when a
  // window is opened.
  std::vector<std::pair<int64_t, double>> samples;
  for (int i = 0; i < 10'000; ++i) samples.emplace_back(i, std::sin(i));
  Write({{{Series("m"), {FloatRun(samples)}}, {Series("n"), {FloatRun(samples)}}},
         {Timeline(1, "p")}});
  ASSERT_TRUE(window_->Sync().ok());
  for (const bool is_warm : {true, false}) {
    std::filesystem::remove_all(dir_.File("copy"));
    std::filesystem::copy(dir_.File("w"), dir_.File("copy"));
    auto opened =
        Window::Open(dir_.File("copy"), kStart, {MakeBlockCache(1 << 20)}, Window::Access::kWrite);
    ASSERT_TRUE(opened.ok()) << opened.status();
    int asked = 0;
    const absl::Status warmed = (*opened)->WarmUp([&] { return ++asked > 0 && is_warm; });
    ASSERT_TRUE(warmed.ok()) << warmed;
    EXPECT_GT(asked, 0);
    for (const auto& file : std::filesystem::directory_iterator(dir_.File("copy"))) {
      if (file.path().extension() == ".sst") std::filesystem::resize_file(file.path(), 0);
    }
    if (is_warm) {
      const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "pod", "p"}});
      std::vector<SeriesRef> refs;
      EXPECT_TRUE((*opened)->dictionary().Find("t", *matchers, {}, refs).ok());
      EXPECT_EQ(refs.size(), 2);
      EXPECT_TRUE((*opened)->dictionary().TimedLabelValues("t", "pod", {}).ok());
    }
    SeriesRef ref;
    ref.definition = Series("n");
    ref.metric = 1;
    std::vector<chunk::Piece> pieces;
    const absl::Status read =
        (*opened)->Read("t", {ref}, kStart, kStart + 10, [&](size_t, chunk::Piece piece) {
          pieces.push_back(std::move(piece));
          return absl::OkStatus();
        });
    EXPECT_EQ(read.ok(), is_warm);
    EXPECT_EQ(TextOf(pieces).empty(), !is_warm);
  }
}

TEST_F(WindowTest, KnowsWhichPartsHaveSamples) {
  Write({{{Series("m"), {FloatRun({{kPartMs + 1, 1}})}}}, {}});
  for (uint8_t part = 0; part < kParts; ++part) {
    const auto has = window_->HasSamples("t", part);
    ASSERT_TRUE(has.ok()) << has.status();
    EXPECT_EQ(*has, part == 1);
  }
  EXPECT_FALSE(*window_->HasSamples("another", 1));
}

TEST_F(WindowTest, AWriteAddsAPieceAndSettlingMakesOneOfAll) {
  Write({{{Series("m"), {FloatRun({{1, 1}, {2, 2}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{3, 3}})}}}, {}});
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1 2=2", "3=3"));
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1 2=2 3=3"));
  Write({{{Series("m"), {FloatRun({{4, 4}})}}}, {}});
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1 2=2 3=3", "4=4"));
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1 2=2 3=3 4=4"));
}

TEST_F(WindowTest, TheLaterWriteWinsSettledOrNot) {
  Write({{{Series("m"), {FloatRun({{10, 1}, {20, 2}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{30, 3}, {40, 4}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{15, 5}, {30, 6}})}}}, {}});
  EXPECT_THAT(Samples("m"), ElementsAre("10=1 15=5 20=2 30=6 40=4"));
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("10=1 15=5 20=2 30=6 40=4"));
  Write({{{Series("m"), {FloatRun({{20, 7}})}}}, {}});
  EXPECT_THAT(Samples("m"), ElementsAre("10=1 15=5 20=7 30=6 40=4"));
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  EXPECT_THAT(Samples("m"), ElementsAre("10=1 15=5 20=7 30=6 40=4"));
}

TEST_F(WindowTest, WritingAgainChangesNothing) {
  const TenantChunks chunks{{{Series("m"), {FloatRun({{1, 1}, {2, 2}}), FloatRun({{2, 3}})}}}, {}};
  Write(chunks);
  Write(chunks);
  EXPECT_THAT(Samples("m"), ElementsAre("1=1 2=3"));
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1 2=3"));
}

TEST_F(WindowTest, OnlyPartsOfTheDayThatAreOverAreSettled) {
  for (int64_t i = 0; i < 2; ++i) {
    Write({{{Series("m"), {FloatRun({{10 + i, 1}, {kPartMs + i, 2}})}}}, {}});
  }
  ASSERT_TRUE(window_->Settle(kStart + kPartMs).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("10=1 11=1", "14400000=2", "14400001=2"));
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false);
  ASSERT_TRUE(window_->Settle(kStart + 2 * kPartMs - 1).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("10=1 11=1", "14400000=2", "14400001=2"));
  ASSERT_TRUE(window_->Settle(kStart + 2 * kPartMs).ok());
  EXPECT_THAT(Pieces("m"), ElementsAre("10=1 11=1", "14400000=2 14400001=2"));
}

TEST_F(WindowTest, NumbersWritesOnAfterAReopen) {
  Write({{{Series("m"), {FloatRun({{1, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false);
  Write({{{Series("m"), {FloatRun({{1, 2}})}}}, {}});
  EXPECT_THAT(Samples("m"), ElementsAre("1=2"));
}

index::DefinitionPtr SeriesNumber(size_t number) {
  return index::Intern(model::SeriesDefinition{number % 2 == 0 ? "even" : "odd", HashId({"e"}),
                                               LabelSet({{"n", std::to_string(number)}})});
}

// More series than a group has places, written in any order, in several writes and parts of the
// day.
TEST_F(WindowTest, ReadsWhatWasWrittenOfManySeries) {
  constexpr size_t kSeries = 300;
  for (size_t write = 0; write < 3; ++write) {
    TenantChunks chunks;
    for (size_t i = 0; i < kSeries; ++i) {
      const size_t number = (i * 7 + write) % kSeries;
      if (number % 3 == write) continue;
      const auto at = static_cast<int64_t>(number + 1000 * write);
      chunks.series.push_back({SeriesNumber(number),
                               {FloatRun({{at, static_cast<double>(number)}, {kPartMs + at, 1}})}});
    }
    Write(chunks);
  }
  const auto check = [&] {
    size_t found = 0;
    for (const char* metric : {"even", "odd"}) {
      const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", metric}});
      std::vector<SeriesRef> refs;
      ASSERT_TRUE(window_->dictionary().Find("t", *matchers, {}, refs).ok());
      for (const auto& [place, pieces] : Read(metric, 0, INT64_MAX)) {
        const size_t number = std::stoul(std::string(refs[place].definition->Get("n")));
        std::string expected;
        for (const int64_t begin : {int64_t{0}, kPartMs}) {
          for (size_t write = 0; write < 3; ++write) {
            if (number % 3 == write) continue;
            expected += (expected.empty() ? "" : " ") +
                        std::to_string(begin + static_cast<int64_t>(number + 1000 * write)) + "=" +
                        (begin == 0 ? std::to_string(number) : "1");
          }
        }
        EXPECT_EQ(TextOf(pieces), expected) << number;
        ++found;
      }
    }
    EXPECT_EQ(found, kSeries);
  };
  check();
  ASSERT_TRUE(window_->Settle(model::kOpenEnd).ok());
  check();
}

TEST_F(WindowTest, ADamagedBlockIsDataLossWithTheWindowsPath) {
  Write({{{Series("m"), {FloatRun({{1, 1}})}}}, {}});
  Write({{{Series("m"), {FloatRun({{2, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  window_.reset();
  {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(WindowOptions({}, false), dir_.File("w"), &db).ok());
    const std::unique_ptr<rocksdb::DB> owned(db);
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), BlockKey("t", {0, 0, 0, 1}), "x").ok());
  }
  Open(/*create=*/false);
  const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", "m"}});
  std::vector<SeriesRef> refs;
  ASSERT_TRUE(window_->dictionary().Find("t", *matchers, {}, refs).ok());
  const auto take = [](size_t, const chunk::Piece&) { return absl::OkStatus(); };
  for (const absl::Status& status :
       {window_->Read("t", refs, 0, INT64_MAX, take), window_->Settle(model::kOpenEnd)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(dir_.File("w")));
  }
}

TEST_F(WindowTest, LeavesOutOtherWindows) {
  Write({{{Series("m"),
           {FloatRun({{-1, 1}, {0, 2}, {chunk::kWindowMs - 1, 3}, {chunk::kWindowMs, 4}})}}},
         {}});
  EXPECT_THAT(Samples("m"), ElementsAre("0=2 86399999=3"));
}

TEST_F(WindowTest, ReadsOnlyPiecesThatMeetTheRange) {
  for (int64_t ts = 0; ts < 5; ++ts) {
    Write({{{Series("m"), {FloatRun({{ts * 10, 1}, {ts * 10 + 5, 2}})}}}, {}});
  }
  EXPECT_THAT(Pieces("m", kStart + 15, kStart + 20), ElementsAre("10=1 15=2", "20=1 25=2"));
  EXPECT_THAT(Pieces("m", kStart + 16, kStart + 19), IsEmpty());
}

TEST_F(WindowTest, TheDictionaryOutlivesAReopen) {
  Write({{{Series("a"), {FloatRun({{1, 1}})}}, {Series("b"), {FloatRun({{1, 2}})}}},
         {Timeline(1, "old")}});
  Write({{{Series("a"), {FloatRun({{2, 3}})}}}, {Timeline(2, "new")}});
  Write({{}, {Timeline(1, "old")}});
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false);
  EXPECT_THAT(Samples("a"), ElementsAre("1=1 2=3"));
  EXPECT_THAT(Pieces("b"), ElementsAre("1=2"));
  std::vector<index::TimelinePtr> timelines;
  ASSERT_TRUE(window_->dictionary().Timelines("t", timelines).ok());
  ASSERT_EQ(timelines.size(), 1u);
  EXPECT_EQ(*timelines[0], *Timeline(2, "new"));
  EXPECT_TRUE(*window_->dictionary().HasEntity("t", HashId({"e"})));
  EXPECT_FALSE(*window_->dictionary().HasEntity("other", HashId({"e"})));
}

TEST_F(WindowTest, WhatWasNotSyncedIsGoneAndTheRestIsWhole) {
  Write({{{Series("a"), {FloatRun({{1, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  Write({{{Series("b"), {FloatRun({{1, 1}})}}}, {}});
  Open(/*create=*/false);
  EXPECT_THAT(Pieces("a"), ElementsAre("1=1"));
  EXPECT_THAT(Pieces("b"), IsEmpty());
}

TEST_F(WindowTest, AMalformedRowOrChunkIsDataLossWithTheWindowsPath) {
  Write({{{Series("m"), {FloatRun({{1, 1}})}}}, {}});
  ASSERT_TRUE(window_->Sync().ok());
  window_.reset();
  const std::map<std::string, std::string> bad = {
      {RowKey(Table::kSeries, "t", 0), "x"},
      {RowKey(Table::kSeries, "t", 7), EncodeSeriesBlock({{{Series("n"), 0, 0, 1}}})},
      {RowKey(Table::kSeries, "t", 1), EncodeSeriesBlock({{{Series("m"), 0, 0, 1}}})},
      {LabelKey("t", index::LabelsOf::kSeries, {"__name__", "m"}), "\x05"},
      {RowKey(Table::kEntity, "t", 3), EncodeEntityRow({HashId({"f"}), {}})},
      {RowKey(Table::kMetric, "t", 3), "m3"},
      {RowKey(Table::kMetric, "t", 0) + "x", "m3"},
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
    // Queries see what they read; a write reads the whole dictionary.
    std::vector<SeriesRef> refs;
    absl::Status status = window_->dictionary().Find(
        "t", *index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", "m"}}), {}, refs);
    if (status.ok()) status = window_->Write("t", {{{Series("m"), {FloatRun({{1, 1}})}}}, {}});
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << key;
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
  EXPECT_THAT(Pieces("m"), ElementsAre("1=1"));
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
  add(RowKey(Table::kSeries, "default", 2),
      EncodeSeriesBlock({{{Series("up"), 1, 258, 5}, {Series("up"), 1, 259, 6}}}));
  add(RowKey(Table::kEntitySeries, "default", 258), Row({2, 3, 4, 9}));
  add(EntityIdKey("default", HashId({"e"})), "\x82\x02");
  add(LabelKey("default", index::LabelsOf::kSeries, {"x", std::string("a\0b", 3)}), Row({7}));
  add(LabelKey("default", index::LabelsOf::kEntity, {"pod", "p"}), Row({0, 1, 258}));
  add(BlockKey("default", {5, 1, 258, 3}), "block");
  add(PendingKey("default", 5), "");
  add(WritesKey(), std::string("\3\0\0\0", 4));
  add(RolledUpKey("default", 5), "");
  add(RolledUpKey("default", kBeginPart), "");
  add(CoveredKey("default", 179), "");
  Golden("window_rows.bin", all);
}

TEST(WindowKeys, RowsRoundTripAndRefuseTruncation) {
  const std::string entity = EncodeEntityRow({HashId({"e"}), *Timeline(3, "p")});
  EXPECT_EQ(ParseEntityRow(entity)->timeline, *Timeline(3, "p"));
  for (size_t size = 0; size < entity.size(); ++size) {
    EXPECT_FALSE(ParseEntityRow(entity.substr(0, size)).has_value()) << size;
  }
  EXPECT_EQ(ParseRowKey(RowKey(Table::kSeries, "t", 9))->ordinal, 9u);
  EXPECT_FALSE(ParseRowKey("\x01").has_value());
}

TEST(WindowKeys, BlocksAreInOrderOfTheirPlaces) {
  const std::vector<BlockPlace> places = {{0, 0, 0, 0}, {0, 0, 0, 255}, {0, 0, 0, 256},
                                          {0, 0, 1, 0}, {0, 2, 0, 0},   {1, 0, 0, 0}};
  const std::string prefix = BlockPrefix("t");
  for (size_t i = 0; i < places.size(); ++i) {
    const std::string key = BlockKey("t", places[i]);
    EXPECT_EQ(ParseBlockKey(key, prefix.size()), places[i]);
    EXPECT_TRUE(key.starts_with(BlockPrefix("t", places[i].part)));
    if (i > 0) {
      EXPECT_LT(BlockKey("t", places[i - 1]), key);
    }
  }
  EXPECT_FALSE(ParseBlockKey(BlockKey("t", {}) + "x", prefix.size()).has_value());
  EXPECT_FALSE(ParseBlockKey(BlockKey("t", {kParts, 0, 0, 0}), prefix.size()).has_value());
  EXPECT_EQ(ParsePendingKey(PendingKey("t", 3))->part, 3);
  EXPECT_EQ(ParsePendingKey(PendingKey("t", 3))->tenant, "t");
  EXPECT_FALSE(ParsePendingKey(PendingKey("t", kParts)).has_value());
  EXPECT_FALSE(ParsePendingKey("x").has_value());
  EXPECT_EQ(ParseRolledUpKey(RolledUpKey("t", kBeginPart))->number, kBeginPart);
  EXPECT_FALSE(ParseRolledUpKey(RolledUpKey("t", kBeginPart + 1)).has_value());
  EXPECT_FALSE(ParseRolledUpKey(CoveredKey("t", 1)).has_value());
  EXPECT_EQ(ParseCoveredKey(CoveredKey("t", 300))->number, 300);
  EXPECT_FALSE(ParseCoveredKey(CoveredKey("t", 300) + "x").has_value());
}

}  // namespace
}  // namespace leadline::collector::store::window
