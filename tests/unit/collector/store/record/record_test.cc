// Records as rows, as lists and in the buffer.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/record/buffer.h"
#include "collector/store/record/rows.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::record {
namespace {

using model::Record;
using model::RecordTable;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr RecordTable kTable = RecordTable::kEntityVersions;

model::EntityVersion Version() {
  model::EntityVersion version;
  version.id = HashId({"container", "web"});
  version.labels = LabelSet({{"pod", "web-1"}});
  version.start_ms = 1'000;
  version.valid_from_ms = 2'000;
  version.revision = 7;
  return version;
}

Record At(int64_t ts_ms, std::string key, std::string value) {
  return {kTable, std::move(key), ts_ms, std::move(value)};
}

TEST(RecordRows, AreWrittenAndReadAsTheyAreOnDisk) {
  const Record record = OfEntityVersion(Version(), 3'000);
  EXPECT_EQ(record.ts_ms, 3'000);
  EXPECT_EQ(record.key, KeyOfEntity(Version().id));
  const std::string key = RowKey("default", record);
  const std::string written = key + RowValue(record);
  const std::string golden = Golden("record_row.bin", written);
  const size_t prefix_bytes = TablePrefix("default", kTable).size();
  const auto read =
      ParseRow(kTable, prefix_bytes, golden.substr(0, key.size()), golden.substr(key.size()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, record);
  EXPECT_EQ(AsEntityVersion(*read), Version());
  EXPECT_TRUE(key.starts_with(KeyPrefix("default", kTable, record.key)));
}

TEST(RecordRows, OfOneKeyAscendWithTimeAndNoKeyIsAnothersPrefix) {
  EXPECT_LT(RowKey("t", At(1, "a", "")), RowKey("t", At(2, "a", "")));
  EXPECT_LT(RowKey("t", At(255, "a", "")), RowKey("t", At(256, "a", "")));
  EXPECT_FALSE(RowKey("t", At(1, "ab", "")).starts_with(KeyPrefix("t", kTable, "a")));
  EXPECT_FALSE(RowKey("tt", At(1, "a", "")).starts_with(TablePrefix("t", kTable)));
}

TEST(RecordRows, WhatIsMalformedIsNotRead) {
  const Record record = At(7, "key", "value");
  const std::string key = RowKey("t", record);
  const std::string value = RowValue(record);
  const size_t prefix_bytes = TablePrefix("t", kTable).size();
  ASSERT_TRUE(ParseRow(kTable, prefix_bytes, key, value).has_value());
  for (size_t left = prefix_bytes; left < key.size(); ++left) {
    EXPECT_FALSE(ParseRow(kTable, prefix_bytes, key.substr(0, left), value).has_value()) << left;
  }
  EXPECT_FALSE(ParseRow(kTable, prefix_bytes, key + "x", value).has_value());
  EXPECT_FALSE(ParseRow(kTable, prefix_bytes, key, "").has_value());
  EXPECT_FALSE(ParseRow(kTable, prefix_bytes, key, "\2value").has_value());
  EXPECT_FALSE(AsEntityVersion(record).has_value());
}

TEST(RecordLists, AreReadAsTheyWereWritten) {
  const std::vector<Record> records = {At(0, "a", ""), At(1'700'000'000'000, "b", "value")};
  std::string bytes;
  AppendRecords(records, bytes);
  ByteReader reader(bytes);
  EXPECT_EQ(ReadRecords(reader), records);
  EXPECT_TRUE(reader.ok() && reader.AtEnd());
  for (size_t left = 0; left < bytes.size(); ++left) {
    ByteReader cut(std::string_view(bytes).substr(0, left));
    ReadRecords(cut);
    EXPECT_FALSE(cut.ok()) << left;
  }
}

TEST(RecordLimits, AreNamed) {
  EXPECT_TRUE(CheckRecord(At(0, "a", "")).ok());
  EXPECT_EQ(CheckRecord(At(0, "", "")).message(),
            "a record's key has 0 bytes; 1 to 1024 are allowed");
  EXPECT_FALSE(CheckRecord(At(0, std::string(kMaxKeyBytes + 1, 'k'), "")).ok());
  EXPECT_FALSE(CheckRecord(At(0, "a", std::string(kMaxValueBytes + 1, 'v'))).ok());
  EXPECT_FALSE(CheckRecord(At(-1, "a", "")).ok());
}

class RecordBufferTest : public testing::Test {
 protected:
  InTime Select(const RecordFilter& filter, std::string_view tenant = "t") {
    InTime found;
    EXPECT_TRUE(buffer_.Select(tenant, filter, found).ok());
    return found;
  }

  Buffer buffer_;
};

TEST_F(RecordBufferTest, SelectsByTimeAndKey) {
  buffer_.Append("t", {At(1, "a", "a1"), At(2, "b", "b2"), At(3, "a", "a3"), At(2, "a", "a2")});
  buffer_.Append("other", {At(2, "a", "not")});
  EXPECT_THAT(Select({}), ElementsAre(Pair(Pair(1, "a"), "a1"), Pair(Pair(2, "a"), "a2"),
                                      Pair(Pair(2, "b"), "b2"), Pair(Pair(3, "a"), "a3")));
  EXPECT_THAT(Select({.start_ms = 2, .end_ms = 2}),
              ElementsAre(Pair(Pair(2, "a"), "a2"), Pair(Pair(2, "b"), "b2")));
  EXPECT_THAT(Select({.key = "a", .start_ms = 2}),
              ElementsAre(Pair(Pair(2, "a"), "a2"), Pair(Pair(3, "a"), "a3")));
  EXPECT_THAT(Select({.key = "c"}), IsEmpty());
  EXPECT_THAT(Select({}, "none"), IsEmpty());
}

TEST_F(RecordBufferTest, TheLastOneOfATimeCountsThroughAFlush) {
  buffer_.Append("t", {At(1, "a", "old")});
  buffer_.Freeze();
  buffer_.Append("t", {At(1, "a", "new"), At(2, "a", "later")});
  EXPECT_THAT(Select({}), ElementsAre(Pair(Pair(1, "a"), "new"), Pair(Pair(2, "a"), "later")));
  EXPECT_THAT(buffer_.Frozen(), ElementsAre(Pair("t", ElementsAre(At(1, "a", "old")))));
  // A flush that failed: the next one has all of it.
  buffer_.Freeze();
  EXPECT_THAT(buffer_.Frozen(),
              ElementsAre(Pair("t", ElementsAre(At(1, "a", "new"), At(2, "a", "later")))));
  EXPECT_GT(buffer_.bytes(), 0u);
  buffer_.DropFrozen();
  EXPECT_THAT(Select({}), IsEmpty());
  EXPECT_EQ(buffer_.bytes(), 0u);
}

}  // namespace
}  // namespace leadline::collector::store::record
