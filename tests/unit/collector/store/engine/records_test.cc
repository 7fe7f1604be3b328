// Records through the store: with the samples' log, windows, retention and starts.
#include <atomic>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/record/rows.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using model::Record;
using model::RecordTable;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr RecordTable kTable = RecordTable::kEntityVersions;

class RecordsTest : public StoreFixture {
 protected:
  void Put(std::vector<Record> records, const std::string& tenant = kTenant) {
    WriteBatch batch;
    batch.records = std::move(records);
    Append(std::move(batch), tenant);
  }

  // "key@ms=value", times since kT0.
  std::vector<std::string> Found(const RecordFilter& filter, const std::string& tenant = kTenant) {
    const auto records = store_->queryable().Records(tenant, filter);
    EXPECT_TRUE(records.ok()) << records.status();
    std::vector<std::string> texts;
    if (!records.ok()) return texts;
    for (const Record& record : *records) {
      texts.push_back(record.key + "@" + std::to_string(record.ts_ms - kT0) + "=" + record.value);
    }
    return texts;
  }

  void ExpectAll() {
    EXPECT_THAT(Found({}), ElementsAre("a@1=one", "b@1=other", "a@2=two", "a@86400003=three"));
    EXPECT_THAT(Found({.key = "a", .start_ms = kT0 + 2}),
                ElementsAre("a@2=two", "a@86400003=three"));
    EXPECT_THAT(Found({.key = "a", .end_ms = kT0 + 2}), ElementsAre("a@1=one", "a@2=two"));
    EXPECT_THAT(Found({.start_ms = kT0 + 1, .end_ms = kT0 + 1}),
                ElementsAre("a@1=one", "b@1=other"));
    EXPECT_THAT(Found({.key = "ab"}), IsEmpty());
    EXPECT_THAT(Found({}, "other"), ElementsAre("a@1=not"));
  }
};

TEST_F(RecordsTest, AreFoundByTimeAndKeyWhereverTheyAre) {
  Put({{kTable, "a", kT0 + 2, "two"}, {kTable, "a", kT0 + 1, "before"}});
  Put({{kTable, "b", kT0 + 1, "other"}, {kTable, "a", kT0 + kDay + 3, "three"}});
  Put({{kTable, "a", kT0 + 1, "not"}}, "other");
  Put({{kTable, "a", kT0 + 1, "one"}});  // the last one counts
  ExpectAll();
  Open();  // from the log
  ExpectAll();
  Flush();
  ExpectAll();
  Open();  // from windows
  ExpectAll();
  // What comes then wins over what is in a window.
  Put({{kTable, "a", kT0 + 2, "again"}});
  EXPECT_THAT(Found({.key = "a", .end_ms = kT0 + 2}), ElementsAre("a@1=one", "a@2=again"));
  Flush();
  EXPECT_THAT(Found({.key = "a", .end_ms = kT0 + 2}), ElementsAre("a@1=one", "a@2=again"));
}

TEST_F(RecordsTest, AreFoundByRangesOfKeys) {
  std::vector<Record> records;
  for (int i = 0; i < 100; ++i) {
    records.push_back({kTable, fmt::format("{:02}", i), kT0 + i % 2 * kDay, "x"});
    records.push_back({kTable, fmt::format("{:02}longer", i), kT0, "x"});
  }
  Put(records);
  const auto found = [&](std::vector<KeyRange> of) { return Found({.key_ranges = std::move(of)}); };
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(found({{"03", "04"}, {"50", "50"}, {"98", "99"}}),
                ElementsAre("04@0=x", "50@0=x", "98@0=x", "03@86400000=x", "99@86400000=x"));
    EXPECT_THAT(found({{"aa", "bb"}}), IsEmpty());
    EXPECT_THAT(found({{"00longer", "01longer"}}), ElementsAre("00longer@0=x", "01longer@0=x"));
    EXPECT_THAT(Found({.key_ranges = {{"00", "99"}}, .start_ms = kT0 + 1}).size(), 50u);
    EXPECT_EQ(store_->queryable()
                  .Records(kTenant, {.key_ranges = {{"00", "04"}}, .limit = 4})
                  .status()
                  .code(),
              absl::StatusCode::kResourceExhausted);
    Flush();
  }
}

TEST_F(RecordsTest, EndWithTheirCaller) {
  Put({{kTable, "a", kT0, "x"}});
  const std::atomic<bool> cancelled = true;
  for (int round = 0; round < 2; ++round) {
    const auto records =
        store_->queryable().Records(kTenant, {.limits = {.cancelled = &cancelled}});
    EXPECT_EQ(records.status().code(), absl::StatusCode::kCancelled);
    Flush();
  }
}

TEST_F(RecordsTest, GoWithTheirWindow) {
  Put({{kTable, "a", kT0, "old"}, {kTable, "a", kT0 + kDay, "new"}});
  Flush();
  ASSERT_TRUE(store_->DropBefore(kT0 + kDay).ok());
  EXPECT_THAT(Found({}), ElementsAre("a@86400000=new"));
}

TEST_F(RecordsTest, LimitsAreNamed) {
  WriteBatch batch;
  batch.records = {{kTable, "", kT0, "x"}};
  const absl::Status refused = TryAppend(std::move(batch));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("a record's key has 0 bytes"));
  for (int i = 0; i < 5; ++i) Put({{kTable, "a", kT0 + i, "x"}});
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(Found({.limit = 5}).size(), 5u);
    EXPECT_EQ(store_->queryable().Records(kTenant, {.limit = 4}).status().code(),
              absl::StatusCode::kResourceExhausted);
    Flush();
  }
}

TEST_F(RecordsTest, TellWhatWasLearnedOfAnEntity) {
  const std::string key = record::KeyOfEntity(HashId({"container", "web"}));
  const auto learn = [&](const model::EntityVersion& version, int64_t ts_ms) {
    WriteBatch batch = Sample({"m", version.id, {}}, ts_ms, 1);
    batch.entities = {version};
    Append(std::move(batch));
  };
  model::EntityVersion version = Container("web", LabelSet({{"pod", "web-1"}}), kT0 - kDay);
  learn(version, kT0 + 1);
  learn(version, kT0 + 2);  // nothing new
  version.labels = LabelSet({{"pod", "web-1"}, {"namespace", "shop"}});
  version.revision = 2;
  learn(version, kT0 + 3);
  const auto expect = [&] {
    const auto records = store_->queryable().Records(kTenant, {.key = key});
    ASSERT_TRUE(records.ok()) << records.status();
    ASSERT_EQ(records->size(), 2u);
    EXPECT_EQ((*records)[0].ts_ms, kT0 + 1);
    EXPECT_EQ((*records)[1].ts_ms, kT0 + 3);
    const auto last = record::AsEntityVersion((*records)[1]);
    ASSERT_TRUE(last.has_value());
    EXPECT_EQ(*last, version);
  };
  expect();
  Open();
  expect();
  Flush();
  expect();
  Open();
  expect();
}

}  // namespace
}  // namespace leadline::collector::store::engine
