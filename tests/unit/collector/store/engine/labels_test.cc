// Names and values of labels of all series against those of a selector that every series matches,
// which looks at each: from the head, from windows, and where the head knows better than windows.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LabelsTest : public StoreFixture {
 protected:
  ~LabelsTest() override { store_.reset(); }

  void Run(const model::EntityVersion& version, int64_t ts_ms, const std::string& metric = "m",
           LabelSet residual = {}) {
    WriteBatch batch = Sample({metric, version.id, std::move(residual)}, ts_ms, 1);
    batch.entities = {version};
    Append(std::move(batch));
  }
  void Tell(const model::EntityVersion& version) {
    WriteBatch batch;
    batch.entities = {version};
    Append(std::move(batch));
  }

  std::vector<std::string> Values(const std::string& name, SeriesFilter filter = {}) {
    auto values = store_->queryable().LabelValues(kTenant, name, filter);
    EXPECT_TRUE(values.ok()) << values.status();
    return values.ok() ? *std::move(values) : std::vector<std::string>();
  }
};

TEST_F(LabelsTest, LabelsLearnedLateCountFromTheStartAndReplaceWhatWasThere) {
  model::EntityVersion version = Container("c", LabelSet({{"pod", "unknown"}}), kT0);
  Run(version, kT0 + 10);
  Flush();
  version.revision = 2;
  version.labels = LabelSet({{"pod", "web-1"}, {"namespace", "shop"}});
  Tell(version);
  for (int round = 0; round < 2; ++round) {  // windows know less than the head, then as much
    EXPECT_THAT(Values("pod"), ElementsAre("web-1")) << round;
    EXPECT_THAT(Values("namespace", {.end_ms = kT0 + 20}), ElementsAre("shop"));
    EXPECT_THAT(*store_->queryable().LabelNames(kTenant, {}),
                ElementsAre("__name__", "namespace", "pod"));
    EXPECT_THAT(Values("pod", {.selectors = {{Equal("pod", "unknown")}}}), IsEmpty());
    EXPECT_THAT(Values("pod", {.selectors = {{Equal("pod", "web-1")}}}), ElementsAre("web-1"));
    Flush();
  }
}

TEST_F(LabelsTest, AChangeLeavesThePastAsItWas) {
  model::EntityVersion version = Container("c", LabelSet({{"version", "1"}}), kT0);
  Run(version, kT0 + 10);
  version.revision = 2;
  version.valid_from_ms = kT0 + 1000;
  version.labels = LabelSet({{"version", "2"}});
  Run(version, kT0 + 2000);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(Values("version", {.start_ms = kT0, .end_ms = kT0 + 999}), ElementsAre("1"));
    EXPECT_THAT(Values("version", {.start_ms = kT0 + 1000, .end_ms = kT0 + 3000}),
                ElementsAre("2"));
    EXPECT_THAT(Values("version", {.start_ms = kT0, .end_ms = kT0 + 3000}), ElementsAre("1", "2"));
    Flush();
  }
}

// Of versions that begin at the same time the newest revision is in force, whichever came first.
TEST_F(LabelsTest, TheNewestWinsWhereVersionsOverlap) {
  model::EntityVersion newer = Container("c", LabelSet({{"pod", "newer"}}), kT0, 7);
  model::EntityVersion older = Container("c", LabelSet({{"pod", "older"}}), kT0, 5);
  Run(newer, kT0 + 10);
  Run(older, kT0 + 20);
  EXPECT_THAT(Values("pod"), ElementsAre("newer"));
  Flush();
  Tell(older);
  EXPECT_THAT(Values("pod"), ElementsAre("newer"));
}

TEST_F(LabelsTest, AnEntityThatHadEndedIsNotThere) {
  model::EntityVersion version = Container("c", LabelSet({{"pod", "gone"}}), kT0);
  version.end_ms = kT0 + 100;
  Run(version, kT0 + 10);
  Run(Container("d", LabelSet({{"pod", "here"}}), kT0), kT0 + 10);
  Flush();
  EXPECT_THAT(Values("pod", {.start_ms = kT0 + 50}), ElementsAre("gone", "here"));
  EXPECT_THAT(Values("pod", {.start_ms = kT0 + 200}), ElementsAre("here"));
}

TEST_F(LabelsTest, AsMatcherThatEverySeriesMatchesWouldSay) {
  std::mt19937 random(23);
  const auto text = [&](const char* prefix, size_t kinds) {
    return prefix + std::to_string(random() % kinds);
  };
  const std::vector<std::vector<Matcher>> every = {{{Matcher::Op::kRegex, "__name__", ".+"}}};
  size_t found = 0;
  size_t series_found = 0;
  for (int step = 0; step < 60; ++step) {
    const std::string name = text("c", 8);
    model::EntityVersion version = Container(
        name, LabelSet({{"pod", text("p", 5)}, {"a", text("e", 3)}}), kT0, 1 + random() % 50);
    version.valid_from_ms += static_cast<int64_t>(random() % 3) * kDay / 4;
    version.kubernetes_labels = LabelSet({{text("label_", 3), text("k", 4)}});
    const int64_t ts_ms = kT0 + static_cast<int64_t>(random() % 100) * kDay / 100;
    switch (random() % 4) {
      case 0:
        Tell(version);
        break;
      case 1:
        AppendSample({text("m", 4), {}, LabelSet({{"a", text("r", 3)}, {"b", text("b", 5)}})},
                     ts_ms, 1);
        break;
      default:
        Run(version, ts_ms, text("m", 4),
            random() % 3 == 0 ? LabelSet({{"a", "own"}}) : LabelSet());
    }
    if (random() % 10 == 0) Flush();
    if (random() % 20 == 0) Open();
    const int64_t start_ms = kT0 + static_cast<int64_t>(random() % 4) * kDay / 4;
    SeriesFilter all{.start_ms = start_ms,
                     .end_ms = start_ms + static_cast<int64_t>(random() % 3) * kDay / 4,
                     .limit = random() % 4};
    SeriesFilter matched = all;
    matched.selectors = every;
    for (const char* label : {"__name__", "pod", "b", "label_0", "none"}) {
      ASSERT_EQ(Values(label, all), Values(label, matched)) << "step " << step << ", " << label;
      found += Values(label, all).size();
    }
    ASSERT_EQ(*store_->queryable().LabelNames(kTenant, all),
              *store_->queryable().LabelNames(kTenant, matched))
        << "step " << step;
    // The first of all, however many selectors find each.
    SeriesFilter without_limit = matched;
    without_limit.limit = 0;
    std::vector<LabelSet> series = *store_->queryable().Series(kTenant, without_limit);
    ASSERT_TRUE(std::is_sorted(series.begin(), series.end()));
    ASSERT_EQ(std::adjacent_find(series.begin(), series.end()), series.end());
    if (matched.limit > 0 && series.size() > matched.limit) series.resize(matched.limit);
    matched.selectors.push_back(every.front());
    ASSERT_EQ(*store_->queryable().Series(kTenant, matched), series) << "step " << step;
    series_found += series.size();
  }
  EXPECT_GT(found, 150u);
  EXPECT_GT(series_found, 50u);
}

}  // namespace
}  // namespace leadline::collector::store::engine
