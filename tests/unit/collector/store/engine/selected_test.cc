// What a window keeps of a selector says the same as the head does, also of entities that change
// after it was kept.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/head/entity_changes.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

class SelectedTest : public StoreFixture {
 protected:
  // Containers "c0" and on, in pods of these names, with a sample each.
  void AppendContainers(const std::vector<std::string>& pods) {
    WriteBatch batch;
    batch.floats.push_back({kT0 + 10, {}, {}});
    for (size_t i = 0; i < pods.size(); ++i) {
      versions_.push_back(
          Container("c" + std::to_string(i), LabelSet({{"pod", pods[i]}, {"team", "t"}}), kT0));
      batch.series.push_back(Resolve({"m", versions_.back().id, {}}));
      batch.floats[0].series.push_back(static_cast<uint32_t>(i));
      batch.floats[0].values.push_back(static_cast<double>(i));
    }
    batch.entities = versions_;
    Append(std::move(batch));
  }

  void Learn(std::vector<model::EntityVersion> versions) {
    WriteBatch batch;
    batch.entities = std::move(versions);
    Append(std::move(batch));
  }
  void Rename(size_t container, const std::string& pod) {
    model::EntityVersion& version = versions_[container];
    version.labels.Set("pod", pod);
    ++version.revision;
    Learn({version});
  }

  std::vector<std::string> Pods(SelectHints hints = {}) {
    std::vector<std::string> pods;
    for (const SeriesBlock& block : Select({Name("m")}, hints)) {
      pods.emplace_back(block.labels->Get("pod"));
    }
    return pods;
  }

  std::vector<model::EntityVersion> versions_;
};

TEST_F(SelectedTest, WhatTheHeadLearnsAfterItWasKeptIsSeen) {
  AppendContainers({"a", "b", "c"});
  Flush();
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Pods(), ElementsAre("a", "b", "c"));
  Rename(1, "x");
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Pods(), ElementsAre("a", "c", "x"));
  // Among so many others that it is not remembered what changed.
  std::vector<model::EntityVersion> others;
  for (size_t i = 0; i < head::EntityChanges::kKept; ++i) {
    others.push_back(Container("other" + std::to_string(i), {}, kT0));
  }
  Rename(2, "y");
  Learn(others);
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Pods(), ElementsAre("a", "x", "y"));
  Rename(0, "z");
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Pods(), ElementsAre("x", "y", "z"));
  Flush();
  for (int i = 0; i < 2; ++i) EXPECT_THAT(Pods(), ElementsAre("x", "y", "z"));
}

TEST_F(SelectedTest, AnEndIsKnownAsSoonAsTheHeadKnowsIt) {
  AppendContainers({"a", "b"});
  Flush();
  EXPECT_THAT(Pods(), ElementsAre("a", "b"));
  versions_[1].end_ms = kT0 + 100;
  ++versions_[1].revision;
  Learn({versions_[1]});
  const std::vector<SeriesBlock> blocks = Select({Name("m")});
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].entity_end_ms, model::kOpenEnd);
  EXPECT_EQ(blocks[1].entity_end_ms, kT0 + 100);
  SeriesFilter later{.selectors = {{Name("m")}}, .start_ms = kT0 + 200};
  EXPECT_THAT(*store_->queryable().Series(kTenant, later),
              ElementsAre(LabelSet({{"__name__", "m"}, {"pod", "a"}, {"team", "t"}})));
}

// Series' own labels, some of which hide their entity's, series without an entity, and an entity
// whose labels have changed.
TEST_F(SelectedTest, ShowsTheSameLabelsAsTheHead) {
  AppendContainers({"a", "b", "a"});
  for (const LabelSet& own :
       {LabelSet({{"mode", "x"}}), LabelSet({{"pod", "a"}}), LabelSet({{"team", "u"}})}) {
    for (const Id128& entity : {versions_[0].id, versions_[1].id, Id128()}) {
      AppendSample({"m", entity, own}, kT0 + 10, 1);
    }
  }
  model::EntityVersion moved = versions_[1];
  moved.labels.Set("pod", "moved");
  moved.valid_from_ms = kT0 + 5;
  moved.revision = 2;
  Learn({moved});
  const auto shown = [&](ShownLabels::Which which, const std::vector<std::string>& names) {
    std::vector<std::string> texts;
    std::set<const LabelSet*> sets;
    std::set<std::string> different;
    for (const SeriesBlock& block :
         Select({Name("m")}, {.shown = {which, names}, .sorted = false})) {
      texts.push_back(Text(block));
      sets.insert(block.labels.get());
      different.insert(block.labels->ToString());
    }
    EXPECT_EQ(sets.size(), different.size());
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  using Which = ShownLabels::Which;
  const std::vector<std::vector<std::string>> names = {
      {}, {"pod"}, {"mode", "pod"}, {"pod", "team"}, {"none"}};
  std::vector<std::vector<std::string>> of_head;
  for (const Which which : {Which::kOnly, Which::kBut}) {
    for (const auto& some : names) of_head.push_back(shown(which, some));
  }
  Flush();
  size_t next = 0;
  for (const Which which : {Which::kOnly, Which::kBut}) {
    for (const auto& some : names) {
      EXPECT_THAT(shown(which, some), ElementsAreArray(of_head[next++]));
    }
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
