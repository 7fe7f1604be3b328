// Windows of rollups, and the marks between them and windows of samples.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/rollup/summary.h"
#include "collector/store/window/window.h"
#include "tests/unit/collector/store/golden.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::window {
namespace {

using rollup::Column;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kLengthMs = 30 * chunk::kWindowMs;
constexpr int64_t kBucketsStart = 1'697'760'000'000;  // 2023-10-20
static_assert(kBucketsStart % kLengthMs == 0);

index::DefinitionPtr SeriesOf(const std::string& metric) {
  return index::Intern(model::SeriesDefinition{metric, HashId({"e"}), LabelSet()});
}

// By the minute, of a sample every 20 s from `from_ms` on.
rollup::Buckets Minutes(int64_t from_ms, int minutes, double first) {
  chunk::MergedSamples samples;
  for (int i = 0; i < 3 * minutes; ++i) {
    samples.floats.Append(from_ms + 20'000 * (i + 1), first + i);
  }
  rollup::Buckets buckets;
  rollup::Fold(samples, rollup::kMinuteMs, buckets);
  return buckets;
}

class BucketsTest : public testing::Test {
 protected:
  void SetUp() override { Open(/*create=*/true); }

  void Open(bool create, int64_t length_ms = kLengthMs) {
    window_.reset();
    auto opened =
        Window::Open(dir_.File("w"), kBucketsStart, {MakeBlockCache(1 << 20)},
                     create ? Window::Access::kCreate : Window::Access::kWrite, length_ms);
    ASSERT_TRUE(opened.ok()) << opened.status();
    window_ = *std::move(opened);
  }

  void Write(const std::vector<std::string>& metrics, const rollup::Buckets& buckets) {
    Window::TenantBuckets all;
    for (const std::string& metric : metrics) {
      all.series.push_back(SeriesOf(metric));
      all.buckets.push_back(buckets);
    }
    const absl::Status status = window_->WriteBuckets("t", std::move(all));
    ASSERT_TRUE(status.ok()) << status;
    ASSERT_TRUE(window_->Sync().ok());
  }

  rollup::Buckets Read(const std::string& metric, int64_t after_ms, int64_t up_to_ms,
                       std::vector<Column> columns) {
    const auto matchers = index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", metric}});
    std::vector<SeriesRef> refs;
    EXPECT_TRUE(window_->dictionary().Find("t", *matchers, {}, refs).ok());
    rollup::Buckets all;
    chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
    const auto add = [&](size_t number, const rollup::Buckets& buckets) {
      EXPECT_EQ(number, 0);
      for (size_t i = 0; i < rollup::kFloatColumns; ++i) {
        const chunk::Floats& column = buckets.floats[i];
        for (size_t k = 0; k < column.size(); ++k) {
          all.floats[i].Append(column.ts_ms[k], column.values[k]);
        }
      }
      return absl::OkStatus();
    };
    const absl::Status status = window_->ReadBuckets(
        "t", refs, columns, kBucketsStart + after_ms + 1, kBucketsStart + up_to_ms, unlimited, add);
    EXPECT_TRUE(status.ok()) << status;
    return all;
  }

  TempDir dir_;
  std::shared_ptr<Window> window_;
};

TEST_F(BucketsTest, AreReadByColumnAndTime) {
  // Nine series, so that there are several groups.
  std::vector<std::string> metrics;
  for (int i = 0; i < 9; ++i) metrics.push_back("m" + std::to_string(i));
  Write(metrics, Minutes(kBucketsStart, 5, 100));
  const rollup::Buckets read = Read("m7", 60'000, 180'000, {Column::kLast, Column::kCount});
  EXPECT_THAT(read.Floats(Column::kLast).ts_ms,
              ElementsAre(kBucketsStart + 120'000, kBucketsStart + 180'000));
  EXPECT_THAT(read.Floats(Column::kLast).values, ElementsAre(105, 108));
  EXPECT_THAT(read.Floats(Column::kCount).values, ElementsAre(3, 3));
  EXPECT_THAT(read.Floats(Column::kFirst).values, IsEmpty());
}

TEST_F(BucketsTest, ComeInTheOrderOfTimeByPart) {
  constexpr int64_t kPartOfWindowMs = kLengthMs / kParts;
  Write({"m"}, Minutes(kBucketsStart + kPartOfWindowMs - 60'000, 2, 100));
  EXPECT_THAT(
      Read("m", 0, kLengthMs, {Column::kLast}).Floats(Column::kLast).ts_ms,
      ElementsAre(kBucketsStart + kPartOfWindowMs, kBucketsStart + kPartOfWindowMs + 60'000));
}

TEST_F(BucketsTest, ThatEndWhereTheWindowDoesAreInIt) {
  Write({"m"}, Minutes(kBucketsStart + kLengthMs - 60'000, 2, 0));
  EXPECT_THAT(Read("m", 0, kLengthMs + 60'000, {Column::kCount}).Floats(Column::kCount).ts_ms,
              ElementsAre(kBucketsStart + kLengthMs));
}

TEST_F(BucketsTest, WrittenAgainTakeThePlaceOfThoseBefore) {
  for (const bool settle : {false, true}) {
    Write({"a", "b"}, Minutes(kBucketsStart, 3, 0));
    Write({"b"}, Minutes(kBucketsStart + 60'000, 1, 50));
    if (settle) {
      ASSERT_TRUE(window_->Settle(kBucketsStart + kLengthMs).ok());
    }
    Open(/*create=*/false);
    EXPECT_THAT(Read("b", 0, 180'000, {Column::kFirst}).Floats(Column::kFirst).values,
                ElementsAre(0, 50, 6));
    EXPECT_THAT(Read("a", 0, 180'000, {Column::kFirst}).Floats(Column::kFirst).values,
                ElementsAre(0, 3, 6));
  }
}

TEST_F(BucketsTest, OfACounterTakeLittleRoom) {
  codec::BlockWriter block;
  size_t place = 0;
  for (const auto& column : Minutes(kBucketsStart, 240, 1000).floats) {
    if (!column.empty()) {
      block.Add(place, absl::MakeConstSpan(column.ts_ms), absl::MakeConstSpan(column.values));
    }
    ++place;
  }
  const std::string bytes = block.Finish();
  EXPECT_LT(bytes.size(), 240);
  Golden("rollup_block.bin", bytes);
}

TEST_F(BucketsTest, NoteWhatTheyCover) {
  EXPECT_FALSE(window_->rolled_up().covers("t", 17));
  ASSERT_TRUE(window_->rolled_up().NoteCovered("t", 17).ok());
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false);
  EXPECT_TRUE(window_->rolled_up().covers("t", 17));
  EXPECT_FALSE(window_->rolled_up().covers("t", 16));
  EXPECT_FALSE(window_->rolled_up().covers("u", 17));
}

// A window of samples.
class MarksTest : public BucketsTest {
 protected:
  void SetUp() override { Open(/*create=*/true, chunk::kWindowMs); }

  void Note(std::vector<uint8_t> parts) {
    for (const uint8_t part : parts) ASSERT_TRUE(window_->rolled_up().Note("t", part).ok());
  }
  void WriteSamples(const std::vector<int64_t>& ts_ms, const std::string& tenant = "t") {
    chunk::Floats floats;
    for (const int64_t ts : ts_ms) floats.Append(kBucketsStart + ts, 1);
    TenantChunks chunks;
    chunks.series.push_back({SeriesOf("m"), {{.floats = std::make_shared<chunk::Floats>(floats)}}});
    ASSERT_TRUE(window_->Write(tenant, chunks).ok());
    ASSERT_TRUE(window_->Sync().ok());
  }
  std::vector<int> Noted() {
    std::vector<int> parts;
    for (uint8_t part = 0; part <= kBeginPart; ++part) {
      if (window_->rolled_up().has("t", part)) parts.push_back(part);
    }
    return parts;
  }
};

TEST_F(MarksTest, AreTakenAwayByWhatIsWritten) {
  Note({0, 1, 2, 3, 4, 5, kBeginPart});
  WriteSamples({kPartMs + 1, 2 * kPartMs - 1}, "u");
  EXPECT_THAT(Noted(), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  WriteSamples({kPartMs + 1, 2 * kPartMs - 1});
  EXPECT_THAT(Noted(), ElementsAre(0, 2, 3, 4, 5, 6));
  EXPECT_EQ(window_->rolled_up().writes(1), 2);  // of any tenant
  // At the very begin of a part: of that one too.
  WriteSamples({4 * kPartMs});
  EXPECT_THAT(Noted(), ElementsAre(0, 2, 5, 6));
  WriteSamples({0, 5 * kPartMs + 7});
  EXPECT_THAT(Noted(), ElementsAre(2));
  Open(/*create=*/false, chunk::kWindowMs);
  EXPECT_THAT(Noted(), ElementsAre(2));
}

TEST_F(MarksTest, AreTakenAwayByTheWriteAfterOneThatFailed) {
  Note({0, 1});
  ASSERT_TRUE(window_->Sync().ok());
  chunk::Floats good;
  good.Append(kBucketsStart + kPartMs + 1, 1);
  const auto bad = std::make_shared<chunk::SealedChunk>();
  bad->info = {.count = 1, .first_ms = kBucketsStart, .last_ms = kBucketsStart};
  TenantChunks chunks;
  chunks.series.push_back({SeriesOf("m"), {{.floats = std::make_shared<chunk::Floats>(good)}}});
  chunks.series.push_back({SeriesOf("n"), {{.sealed = bad}}});
  ASSERT_FALSE(window_->Write("t", chunks).ok());
  chunks.series.pop_back();
  ASSERT_TRUE(window_->Write("t", chunks).ok());
  ASSERT_TRUE(window_->Sync().ok());
  Open(/*create=*/false, chunk::kWindowMs);
  EXPECT_THAT(Noted(), ElementsAre(0));
}

TEST_F(MarksTest, StayWhereOnlyEntitiesAreWritten) {
  Note({0, 1});
  ASSERT_TRUE(window_->Write("t", {}).ok());
  EXPECT_THAT(Noted(), ElementsAre(0, 1));
}

}  // namespace
}  // namespace leadline::collector::store::window
