// Windows and manifests that are damaged, missing or left over.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/faults_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DamagedWindowsTest : public FaultsFixture {
 protected:
  // Samples of which each takes some bytes on disk.
  void AppendRough(int64_t count) {
    WriteBatch batch;
    batch.series = {Resolve(series_)};
    for (int64_t i = 0; i < count; ++i) {
      batch.floats.push_back({kT0 + i * 1000, {0}, {1.0 / (1.0 + static_cast<double>(i))}});
    }
    Append(std::move(batch));
  }
};

TEST_F(DamagedWindowsTest, ADamagedWindowIsQuarantinedAndTheRestServed) {
  AppendSample(series_, kT0, 1);
  AppendSample(series_, kT0 + kDay, 2);
  Flush();
  store_.reset();
  std::filesystem::remove(options_.dir + "/windows/raw/2023-11-15/CURRENT");
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_THAT(*files_.List(options_.dir + "/quarantine"), ElementsAre("window-raw-2023-11-15"));
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 86400000=2)"));
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
}

TEST_F(DamagedWindowsTest, AWindowOfWhichAFileIsNoneIsQuarantinedAndTheRestServed) {
  AppendSample(series_, kT0, 1);
  AppendSample(series_, kT0 + kDay, 2);
  Flush();
  store_.reset();
  const std::string window = options_.dir + "/windows/raw/2023-11-15";
  std::vector<std::string> tables;
  const auto names = files_.List(window);
  ASSERT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) {
    if (name.ends_with(".sst")) tables.push_back(window + "/" + name);
  }
  ASSERT_FALSE(tables.empty());
  std::filesystem::remove(tables[0]);
  std::filesystem::create_directory(tables[0]);
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 86400000=2)"));
}

// A bit of the first block of each table of a window.
void SpoilTables(const std::string& window) {
  for (const auto& entry : std::filesystem::directory_iterator(window)) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(100);
    const auto byte = static_cast<char>(file.get() ^ 0x10);
    file.seekp(100);
    file.put(byte);
  }
}

TEST_F(DamagedWindowsTest, AWindowThatAQueryFindsDamagedIsLeftOutAndQuarantined) {
  AppendRough(1000);
  AppendSample(series_, kT0 + kDay, 2);
  Flush();
  options_.block_cache_bytes = 0;  // what opening reads is read again
  Reopen();
  EXPECT_TRUE(store_->queryable().Gaps(0, INT64_MAX).empty());
  SpoilTables(options_.dir + "/windows/raw/2023-11-15");
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 86400000=2)"));
  const auto gaps = store_->queryable().Gaps(kT0, kT0 + 1);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_THAT(gaps[0], HasSubstr("data of 2023-11-15 (raw) was found damaged"));
  EXPECT_THAT(gaps[0], HasSubstr(options_.dir + "/quarantine"));
  EXPECT_TRUE(store_->queryable().Gaps(kT0 + kDay, kT0 + 2 * kDay).empty());
  EXPECT_TRUE(store_->Health().ok()) << store_->Health();
  // What comes for that day is kept, in a window of its own.
  AppendSample(series_, kT0 + 5, 5);
  Flush();
  EXPECT_THAT(*files_.List(options_.dir + "/quarantine"), ElementsAre("window-raw-2023-11-15"));
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  const std::string rest = R"({__name__="m"} 5=5 86400000=2)";
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(rest));
  Reopen();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(rest));
  EXPECT_EQ(store_->queryable().Gaps(0, INT64_MAX), gaps);
  // It goes with its day.
  ASSERT_TRUE(store_->DropBefore(kT0 + kDay).ok());
  EXPECT_THAT(*files_.List(options_.dir + "/quarantine"), IsEmpty());
  EXPECT_TRUE(store_->queryable().Gaps(0, INT64_MAX).empty());
}

// What the manifest does not list is removed at a start.
TEST_F(DamagedWindowsTest, ADamagedWindowThatCannotBeMovedIsNotForgotten) {
  AppendRough(1000);
  AppendSample(series_, kT0 + kDay, 2);
  Flush();
  options_.block_cache_bytes = 0;  // what opening reads is read again
  Reopen();
  const std::string window = options_.dir + "/windows/raw/2023-11-15";
  SpoilTables(window);
  std::ofstream(options_.dir + "/quarantine") << "in the way";
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 86400000=2)"));
  EXPECT_FALSE(store_->Flush().ok());
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
  EXPECT_TRUE(std::filesystem::exists(window));
  std::filesystem::remove(options_.dir + "/quarantine");
  Reopen();
  EXPECT_TRUE(std::filesystem::exists(window) ||
              std::filesystem::exists(options_.dir + "/quarantine/window-raw-2023-11-15"));
  Select({Name("m")});
  Flush();
  // By the store that closed or the one that opened, whichever was first.
  EXPECT_THAT(*files_.List(options_.dir + "/quarantine"), ElementsAre("window-raw-2023-11-15"));
}

// What a flush has written to a window before it finds it damaged must not go with it.
TEST_F(DamagedWindowsTest, AFlushThatFindsDamageLosesNothingOfItsOwn) {
  AppendRough(1000);
  Flush();
  options_.block_cache_bytes = 0;  // what opening reads is read again
  Reopen();
  SpoilTables(options_.dir + "/windows/raw/2023-11-15");
  std::vector<std::string> metrics;
  for (int i = 0; i < 50; ++i) {
    metrics.push_back("m" + std::to_string(i));
    AppendSample({metrics.back(), HashId({"e" + std::to_string(i)}), {}}, kT0 + 7, double(i));
  }
  AppendSample(series_, kT0 + 7, 7);
  Flush();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_EQ(Metric("flush_errors_total"), 0);
  Reopen();
  for (const std::string& metric : metrics) {
    EXPECT_EQ(Select({Name(metric)}).size(), 1u) << metric;
  }
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 7=7)"));
}

TEST_F(DamagedWindowsTest, AWindowThatHasLessThanWasDurableIsDamaged) {
  AppendSample(series_, kT0, 1);
  Flush();
  store_.reset();
  const std::string window = options_.dir + "/windows/raw/2023-11-15";
  std::filesystem::copy(window, dir_.File("before"), std::filesystem::copy_options::recursive);
  Reopen();
  AppendSample(series_, kT0 + 1, 2);
  Flush();
  store_.reset();
  std::filesystem::remove_all(window);
  std::filesystem::rename(dir_.File("before"), window);
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_EQ(store_->queryable().Gaps(kT0, kT0).size(), 1u);
  EXPECT_THAT(Select({Name("m")}), IsEmpty());
}

TEST_F(DamagedWindowsTest, AMissingWindowIsReported) {
  AppendSample(series_, kT0, 1);
  Flush();
  store_.reset();
  std::filesystem::remove_all(options_.dir + "/windows/raw/2023-11-15");
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 1);
  EXPECT_THAT(Select({Name("m")}), IsEmpty());
  EXPECT_EQ(store_->queryable().Gaps(kT0, kT0).size(), 1u);
  Reopen();
  EXPECT_EQ(Metric("store_quarantined_total"), 0);
  EXPECT_EQ(store_->queryable().Gaps(kT0, kT0).size(), 1u);
}

TEST_F(DamagedWindowsTest, AWindowThatTheManifestDoesNotListIsALeftOver) {
  AppendSample(series_, kT0, 1);
  std::filesystem::create_directories(options_.dir + "/windows/raw/2020-01-01");
  Reopen();
  EXPECT_THAT(*files_.List(options_.dir + "/windows/raw"), IsEmpty());
  EXPECT_EQ(Select({Name("m")}).size(), 1u);
}

TEST_F(DamagedWindowsTest, InPlaceOfADamagedOrMissingManifestIsItsCopy) {
  AppendSample(series_, kT0, 1);
  Flush();
  AppendSample(series_, kT0 + 1, 2);
  const std::string all = R"({__name__="m"} 0=1 1=2)";
  const std::string manifest = options_.dir + "/MANIFEST";
  const auto reopens_with_all = [&](int damaged) {
    Reopen();
    EXPECT_EQ(Metric("store_quarantined_total"), damaged);
    EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(all));
    EXPECT_TRUE(store_->queryable().Gaps(0, INT64_MAX).empty());
  };
  store_.reset();
  Damage(manifest, 20);
  reopens_with_all(1);
  reopens_with_all(0);
  store_.reset();
  std::filesystem::remove(manifest);
  reopens_with_all(1);
  store_.reset();
  Damage(manifest + ".copy", 20);
  reopens_with_all(0);
}

TEST_F(DamagedWindowsTest, WithoutAManifestThatCanBeReadTheStoreDoesNotStart) {
  AppendSample(series_, kT0, 1);
  Flush();
  store_.reset();
  const std::string manifest = options_.dir + "/MANIFEST";
  Damage(manifest, 20);
  Damage(manifest + ".copy", 30);
  Rewire();
  const auto damaged = OpenStore(options_);
  EXPECT_EQ(damaged.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(damaged.status().message()),
              AllOf(HasSubstr(manifest + ": "), HasSubstr(manifest + ".copy: "),
                    HasSubstr("bring one of them back from a back-up")));
  std::filesystem::remove(manifest);
  std::filesystem::remove(manifest + ".copy");
  Rewire();
  EXPECT_EQ(OpenStore(options_).status().code(), absl::StatusCode::kDataLoss);
}

// As when a program that wrote none has run since.
TEST_F(DamagedWindowsTest, WhatACopyDoesNotListIsKept) {
  AppendSample(series_, kT0, 1);
  Flush();
  const std::string manifest = options_.dir + "/MANIFEST";
  std::filesystem::copy(manifest + ".copy", dir_.File("copy"));
  AppendSample(series_, kT0 + kDay, 2);
  Flush();
  store_.reset();
  std::filesystem::remove(manifest);
  std::filesystem::remove(manifest + ".copy");
  std::filesystem::rename(dir_.File("copy"), manifest + ".copy");
  Reopen();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 0=1)"));
  // The segments that the copy still needs are gone, too.
  EXPECT_THAT(*files_.List(options_.dir + "/quarantine"),
              ElementsAre(testing::StartsWith("gap-0-"), "window-raw-2023-11-16"));
  EXPECT_THAT(store_->queryable().Gaps(kT0 + kDay, kT0 + kDay),
              ElementsAre(HasSubstr("data of 2023-11-16 (raw)"), HasSubstr("the log was found")));
}

}  // namespace
}  // namespace leadline::collector::store::engine
