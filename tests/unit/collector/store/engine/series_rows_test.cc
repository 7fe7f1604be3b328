#include "collector/store/engine/series_rows.h"

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/call_meter.h"
#include "collector/store/index/timelines.h"
#include "common/id128.h"

namespace leadline::collector::store::engine {
namespace {

struct Entity {
  Id128 id;
  index::TimelinePtr timeline;
};

Entity EntityOf(int number, LabelSet labels, LabelSet kubernetes) {
  const Id128 id = HashId({"e", std::to_string(number)});
  auto timeline = std::make_shared<model::EntityTimeline>();
  timeline->Add({.id = id,
                 .labels = std::move(labels),
                 .kubernetes_labels = std::move(kubernetes),
                 .revision = 1});
  return {id, std::move(timeline)};
}

std::vector<std::string> RowTexts(SeriesRows& rows) {
  std::vector<std::string> texts;
  for (const auto& labels : rows.Sorted()) {
    std::vector<Label> copies;
    for (const LabelView& label : labels) {
      copies.push_back({std::string(label.name), std::string(label.value)});
    }
    const LabelSet set(copies);
    EXPECT_EQ(set.size(), labels.size()) << set.ToString();
    EXPECT_TRUE(std::equal(copies.begin(), copies.end(), set.begin(), set.end()));
    texts.push_back(set.ToString());
  }
  return texts;
}

TEST(SeriesRows, ShowKubernetesLabelsThatAreNamed) {
  CallMeter meter{CallLimits()};
  SeriesRows rows(0, meter);
  const Entity entity = EntityOf(1, LabelSet({{"a", "entity"}, {"b", "entity"}}),
                                 LabelSet({{"label_x", "1"}, {"label_y", "2"}}));
  const model::EntityVersion& version = entity.timeline->versions()[0];
  const auto series = index::Intern({"m", entity.id, LabelSet({{"b", "residual"}})});
  ASSERT_TRUE(rows.Add(*series, &version).ok());
  rows.Show({"label_y"});
  ASSERT_TRUE(rows.Add(*series, &version).ok());
  ASSERT_TRUE(rows.Add(*series, nullptr).ok());
  EXPECT_THAT(RowTexts(rows),
              testing::ElementsAre(R"({__name__="m", a="entity", b="residual"})",
                                   R"({__name__="m", a="entity", b="residual", label_y="2"})",
                                   R"({__name__="m", b="residual"})"));
}

// Beside label sets, of which the last of equal names counts.
TEST(SeriesRows, AreTheFirstOfAllLabelSets) {
  std::mt19937 random(7);
  const auto labels = [&](const std::vector<std::string>& names) {
    std::vector<Label> some;
    for (const std::string& name : names) {
      if (random() % 2 == 0) some.push_back({name, std::string(random() % 20, 'v')});
    }
    return LabelSet(some);
  };
  for (size_t round = 0; round < 100; ++round) {
    const size_t limit = round % 4 == 0 ? 0 : 1 + random() % 40;
    std::vector<Entity> entities;
    for (int i = 0; i < 5; ++i) {
      entities.push_back(
          EntityOf(i, labels({"Z", "a", "b", "label_x"}), labels({"label_x", "label_y"})));
    }
    CallMeter meter{CallLimits()};
    SeriesRows rows(limit, meter);
    std::set<LabelSet> all;
    const size_t count = random() % (round == 1 ? 5000 : 60);
    StringSet named;
    std::vector<index::DefinitionPtr> kept;
    for (size_t i = 0; i < count; ++i) {
      if (random() % 20 == 0) {
        named = random() % 2 == 0 ? StringSet{"label_x"} : StringSet{};
        rows.Show(named);
      }
      const Entity& entity = entities[random() % entities.size()];
      const bool is_known = random() % 8 != 0;
      const model::EntityVersion& version = entity.timeline->versions()[0];
      const model::SeriesDefinition definition = {"m" + std::to_string(random() % 3), entity.id,
                                                  labels({"A", "a", "c"})};
      kept.push_back(index::Intern(definition));
      ASSERT_TRUE(rows.Add(*kept.back(), is_known ? &version : nullptr).ok());
      std::vector<Label> visible;
      if (is_known) {
        for (const Label& label : version.kubernetes_labels) {
          if (named.contains(label.name)) visible.push_back(label);
        }
        visible.insert(visible.end(), version.labels.begin(), version.labels.end());
      }
      visible.push_back({"__name__", definition.metric});
      visible.insert(visible.end(), definition.residual.begin(), definition.residual.end());
      all.insert(LabelSet(visible));
    }
    std::vector<std::string> expected;
    for (const LabelSet& set : all) {
      if (limit == 0 || expected.size() < limit) expected.push_back(set.ToString());
    }
    ASSERT_THAT(RowTexts(rows), testing::ElementsAreArray(expected)) << "round " << round;
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
