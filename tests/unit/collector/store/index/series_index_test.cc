#include "collector/store/index/series_index.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/index/visible_labels.h"

namespace leadline::collector::store::index {
namespace {

using testing::ElementsAre;

TimelinePtr Labelled(const Id128& id, const LabelSet& labels, const LabelSet& kubernetes = {}) {
  model::EntityVersion version;
  version.id = id;
  version.labels = labels;
  version.kubernetes_labels = kubernetes;
  model::EntityTimeline timeline;
  timeline.Add(version);
  return std::make_shared<const model::EntityTimeline>(timeline);
}

DefinitionPtr Definition(const std::string& metric, const Id128& entity, LabelSet residual = {}) {
  return Intern(model::SeriesDefinition{metric, entity, std::move(residual)});
}

TEST(SeriesIndex, GivesDenseOrdinalsOnce) {
  SeriesIndex index;
  const Id128 id = HashId({"e"});
  EXPECT_EQ(index.AddSeries(Definition("a", id)), 0u);
  EXPECT_EQ(index.AddSeries(Definition("b", id)), 1u);
  EXPECT_EQ(index.AddSeries(Definition("a", id)), 0u);
  EXPECT_EQ(index.series_count(), 2u);
  EXPECT_EQ(index.entity_count(), 1u);
  EXPECT_EQ(index.FindSeries(*Definition("b", id)), 1u);
  EXPECT_EQ(index.FindSeries(*Definition("b", HashId({"f"}))), std::nullopt);
}

TEST(SeriesIndex, EntitiesAreFoundByEveryVersionsLabels) {
  SeriesIndex index;
  const Id128 id = HashId({"e"});
  index.AddSeries(Definition("a", id));
  index.SetTimeline(0, Labelled(id, LabelSet({{"pod", "old"}})));
  index.SetTimeline(0, Labelled(id, LabelSet({{"pod", "new"}}), LabelSet({{"label_app", "x"}})));
  for (const auto& [name, value] : {std::pair("pod", "old"), {"pod", "new"}, {"label_app", "x"}}) {
    const auto matchers = Matchers::Compile({{Matcher::Op::kEqual, name, value}});
    EXPECT_EQ(index.SeriesCandidates(*matchers).cardinality(), 1u) << value;
    EXPECT_EQ(index.EntitiesNamedBy(*matchers).cardinality(), 1u) << value;
  }
}

// Whatever matches must be among the candidates, by whatever matchers.
TEST(SeriesIndex, CandidatesHoldEveryMatch) {
  std::mt19937 random(9);
  const auto value = [&](size_t kinds) {
    const size_t number = random() % (kinds + 1);
    return number == kinds ? std::string() : "v" + std::to_string(number);
  };
  for (int round = 0; round < 300; ++round) {
    SeriesIndex index;
    std::vector<DefinitionPtr> series;
    for (int entity = 0; entity < 8; ++entity) {
      const Id128 id = HashId({"e", std::to_string(entity)});
      index.SetTimeline(index.AddEntity(id),
                        Labelled(id, LabelSet({{"a", value(3)}, {"b", value(3)}})));
      for (int metric = 0; metric < 3; ++metric) {
        index.AddSeries(Definition("m" + std::to_string(metric), id,
                                   LabelSet({{"b", value(2)}, {"c", value(3)}})));
      }
    }
    std::vector<Matcher> wanted;
    for (size_t i = 0; i < 1 + random() % 3; ++i) {
      static const char* const names[] = {"a", "b", "c", "__name__", "none"};
      static const char* const regexes[] = {"v[01]", ".*", "v1|", "m.", "x", "v.+"};
      const auto op = static_cast<Matcher::Op>(random() % 4);
      const bool regex = op == Matcher::Op::kRegex || op == Matcher::Op::kNotRegex;
      const std::string name = names[random() % 5];
      const std::string plain = name == "__name__" ? "m1" : value(3);
      wanted.push_back({op, name, regex ? regexes[random() % 6] : plain});
    }
    const auto matchers = Matchers::Compile(wanted);
    ASSERT_TRUE(matchers.ok());
    const Roaring candidates = index.SeriesCandidates(*matchers);
    for (uint32_t i = 0; i < index.series_count(); ++i) {
      const model::EntityVersion& version = index.timeline(index.entity_of(i))->versions()[0];
      if (MatchesAll(*matchers, *index.definition(i), &version)) {
        ASSERT_TRUE(candidates.contains(i)) << "round " << round << ", series " << i;
      }
    }
  }
}

TEST(LabelValue, ResidualLabelsWinOverTheEntitys) {
  const Id128 id = HashId({"e"});
  const TimelinePtr timeline = Labelled(id, LabelSet({{"a", "entity"}, {"b", "entity"}}),
                                        LabelSet({{"label_x", "1"}, {"label_y", "2"}}));
  const model::EntityVersion& version = timeline->versions()[0];
  const DefinitionPtr series = Definition("m", id, LabelSet({{"b", "residual"}}));
  EXPECT_EQ(LabelValue(*series, &version, "b"), "residual");
  EXPECT_EQ(LabelValue(*series, &version, "label_x"), "1");
  EXPECT_EQ(LabelValue(*series, &version, "__name__"), "m");
}

TEST(Matchers, RegularExpressionsAreAnchoredAndTakeLineFeeds) {
  const auto matcher = CompiledMatcher::Compile({Matcher::Op::kRegex, "a", "b.c|d"});
  ASSERT_TRUE(matcher.ok());
  EXPECT_TRUE(matcher->Matches("b\nc"));
  EXPECT_TRUE(matcher->Matches("d"));
  EXPECT_FALSE(matcher->Matches("dd"));
  EXPECT_FALSE(matcher->Matches("xbbc"));
  EXPECT_FALSE(CompiledMatcher::Compile({Matcher::Op::kNotRegex, "a", "[z-a]"}).ok());
}

}  // namespace
}  // namespace leadline::collector::store::index
