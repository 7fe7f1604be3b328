#include "collector/store/window/dictionary.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include "collector/store/index/visible_labels.h"
#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/postings_row.h"
#include "collector/store/window/rocks.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::window {
namespace {

using testing::ElementsAre;

TEST(PostingsRow, RoundTripsAndMergesByStandingBehindEachOther) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string row;
    Roaring expected;
    for (size_t parts = random() % 4; parts > 0; --parts) {
      std::set<uint32_t> ordinals;
      for (size_t i = 1 + random() % 50; i > 0; --i) {
        const uint32_t first = random() % (round % 2 == 0 ? 200 : UINT32_MAX - 10);
        for (uint32_t k = 0; k <= random() % 4; ++k) ordinals.insert(first + k);
      }
      for (const uint32_t ordinal : ordinals) expected.add(ordinal);
      AppendPostings(std::vector<uint32_t>(ordinals.begin(), ordinals.end()), row);
    }
    Roaring read;
    ASSERT_TRUE(ReadPostings(row, read));
    ASSERT_TRUE(read == expected);
    Roaring cut;
    EXPECT_EQ(ReadPostings(row.substr(0, row.size() - !row.empty()), cut), row.empty());
  }
}

TEST(SeriesBlock, RoundTripsAndRefusesTruncation) {
  std::vector<SeriesRow> series;
  for (uint32_t i = 0; i < kMaxBlockSeries; ++i) {
    LabelSet labels({{"instance", "10.0.0." + std::to_string(i / 60)}, {"job", "kubelet"}});
    if (i % 3 == 0) labels.Set("device", "eth" + std::to_string(i % 5));
    series.push_back(
        {index::Intern(model::SeriesDefinition{
             "m" + std::to_string(i % 60), HashId({std::to_string(i / 60)}), std::move(labels)}),
         i % 60, 1000 + i / 60, 7 + i / 60});
  }
  const std::string block = EncodeSeriesBlock(series);
  EXPECT_EQ(ParseSeriesBlock(block), series);
  for (size_t size = 0; size < block.size(); ++size) {
    ASSERT_FALSE(ParseSeriesBlock(block.substr(0, size)).has_value()) << size;
  }
  EXPECT_LT(block.size(), 16u * series.size());
}

TEST(LabelKeys, AreInTheOrderOfTheTextsAndAreReadBack) {
  const std::string zero(1, '\0');
  const std::vector<std::string> texts = {
      "", zero, zero + "a", zero + "\xff", "a", "a" + zero, "a" + zero + zero, "a\x01", "ab", "b"};
  std::vector<std::string> keys;
  for (const std::string& name : texts) {
    for (const std::string& value : texts) {
      keys.push_back(LabelKey("t", index::LabelsOf::kSeries, {name, value}));
      const auto label = ParseLabelKey(keys.back(), 1);
      ASSERT_TRUE(label.has_value());
      EXPECT_EQ(label->name, name);
      EXPECT_EQ(label->value, value);
      EXPECT_GT(AfterName("t", index::LabelsOf::kSeries, name), keys.back());
      EXPECT_TRUE(keys.back().starts_with(
          LabelPrefix("t", index::LabelsOf::kSeries, name, value.substr(0, 1))));
    }
  }
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

class DictionaryTest : public testing::Test {
 protected:
  void SetUp() override { Open(/*create=*/true); }

  void Open(bool create) {
    dictionary_.reset();
    db_.reset();
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(WindowOptions({}, create), dir_.File("w"), &db).ok());
    db_.reset(db);
    dictionary_ = std::make_unique<Dictionary>(*db_, MakeBlockCache(cache_bytes_), dir_.File("w"));
  }
  void Reopen() {
    ASSERT_TRUE(db_->Flush(rocksdb::FlushOptions()).ok());
    Open(/*create=*/false);
  }

  static index::TimelinePtr Version(const std::string& entity, uint64_t revision, LabelSet labels,
                                    LabelSet kubernetes = {}) {
    model::EntityVersion version;
    version.id = HashId({entity});
    version.revision = revision;
    version.labels = std::move(labels);
    version.kubernetes_labels = std::move(kubernetes);
    auto timeline = std::make_shared<model::EntityTimeline>();
    timeline->Add(version);
    return timeline;
  }

  std::vector<std::string> Values(index::LabelsOf whose, std::string_view name) {
    std::vector<std::string> values;
    EXPECT_TRUE(dictionary_
                    ->LabelValues("t", whose, name,
                                  [&](std::string_view value) {
                                    values.emplace_back(value);
                                    return true;
                                  })
                    .ok());
    return values;
  }

  std::vector<std::string> Names(index::LabelsOf whose) {
    std::vector<std::string> names;
    EXPECT_TRUE(dictionary_
                    ->LabelNames("t", whose,
                                 [&](std::string_view name) {
                                   names.emplace_back(name);
                                   return true;
                                 })
                    .ok());
    return names;
  }

  // What is shared is what is found, when it is first asked for and again, with changed entities
  // and without.
  void ExpectShared(const index::Matchers& matchers) {
    for (const std::vector<Id128>& also :
         {std::vector<Id128>(), {HashId({"e1"}), HashId({"e20"})}, {}}) {
      std::vector<SeriesRef> expected;
      ASSERT_TRUE(dictionary_->Find("t", matchers, also, expected).ok());
      CallMeter meter{CallLimits()};
      const auto shared = dictionary_->FindShared("t", matchers, also, meter);
      ASSERT_TRUE(shared.ok()) << shared.status();
      std::vector<const Selected::Series*> found;
      for (const auto& selected : {shared->shared, shared->others}) {
        if (selected == nullptr) continue;
        for (const Selected::Series& series : selected->series()) found.push_back(&series);
      }
      std::sort(found.begin(), found.end(),
                [](const auto* a, const auto* b) { return a->number < b->number; });
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i]->number, expected[i].series);
        ASSERT_EQ(found[i]->definition, expected[i].definition);
        ASSERT_EQ(found[i]->metric, expected[i].metric);
        ASSERT_EQ(found[i]->rank, expected[i].rank);
      }
    }
  }

  size_t cache_bytes_ = 1 << 20;
  TempDir dir_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Dictionary> dictionary_;
};

TEST_F(DictionaryTest, AnswersNamesAndValuesInOrder) {
  std::vector<SeriesRef> refs;
  ASSERT_TRUE(
      dictionary_
          ->Write(
              "t", {Version("e", 1, LabelSet({{"pod", "p"}}), LabelSet({{"label_x", "1"}}))},
              {index::Intern(model::SeriesDefinition{"b", HashId({"e"}), LabelSet({{"le", "2"}})}),
               index::Intern(
                   model::SeriesDefinition{"a", HashId({"e"}), LabelSet({{"le", "10"}})})},
              refs)
          .ok());
  ASSERT_TRUE(
      dictionary_
          ->Write("t", {},
                  {index::Intern(model::SeriesDefinition{"b", {}, LabelSet({{"le", "1"}})})}, refs)
          .ok());
  ASSERT_TRUE(
      dictionary_->Write("u", {}, {index::Intern(model::SeriesDefinition{"other", {}, {}})}, refs)
          .ok());
  EXPECT_THAT(Names(index::LabelsOf::kSeries), ElementsAre("__name__", "le"));
  EXPECT_THAT(Names(index::LabelsOf::kEntity), ElementsAre("label_x", "pod"));
  EXPECT_THAT(Values(index::LabelsOf::kSeries, "__name__"), ElementsAre("a", "b"));
  EXPECT_THAT(Values(index::LabelsOf::kSeries, "le"), ElementsAre("1", "10", "2"));
  EXPECT_THAT(Values(index::LabelsOf::kEntity, "pod"), ElementsAre("p"));
  EXPECT_THAT(Values(index::LabelsOf::kSeries, "l"), ElementsAre());
  ASSERT_EQ(refs.size(), 4u);
  EXPECT_EQ(refs[2].series, 2u);
  EXPECT_EQ(refs[2].metric, refs[0].metric);
  EXPECT_EQ(refs[2].rank, 1u);
}

TEST_F(DictionaryTest, TellsLabelsAndLivesOfWhatWasSelected) {
  model::EntityVersion ended;
  ended.id = HashId({"ended"});
  ended.labels = LabelSet({{"node", "n"}, {"pod", "p"}});
  ended.start_ms = 5;
  ended.end_ms = 9;
  auto timeline = std::make_shared<model::EntityTimeline>();
  timeline->Add(ended);
  const auto two_versions = [&] {
    auto both = std::make_shared<model::EntityTimeline>(*Version("two", 1, LabelSet({{"a", "1"}})));
    model::EntityVersion later = both->versions()[0];
    later.labels = LabelSet({{"a", "2"}});
    later.valid_from_ms = 7;
    later.revision = 2;
    both->Add(later);
    return both;
  }();
  std::vector<SeriesRef> refs;
  ASSERT_TRUE(
      dictionary_
          ->Write("t", {timeline, two_versions},
                  {index::Intern(model::SeriesDefinition{"m", ended.id, {}}),
                   index::Intern(model::SeriesDefinition{"m", ended.id, LabelSet({{"pod", "q"}})}),
                   index::Intern(model::SeriesDefinition{"m", HashId({"two"}), {}}),
                   index::Intern(model::SeriesDefinition{"m", {}, LabelSet({{"pod", "p"}})})},
                  refs)
          .ok());
  const auto matchers = index::Matchers::Compile(
      {{Matcher::Op::kEqual, "__name__", "m"}, {Matcher::Op::kNotEqual, "pod", "q"}});
  CallMeter meter{CallLimits()};
  const auto found = dictionary_->FindShared("t", *matchers, {}, meter);
  ASSERT_TRUE(found.ok()) << found.status();
  const Selected& selected = *found->shared;
  const auto entity_of = [&](size_t i) -> const Selected::Entity& {
    return selected.entities()[selected.series()[i].entity];
  };
  const auto hash_of = [](std::vector<LabelView> labels) {
    uint64_t hash = 0;
    for (const LabelView& label : labels) hash += index::HashLabel(label);
    return hash;
  };
  // The one whose own label does not match is not among the candidates.
  ASSERT_EQ(selected.series().size(), 3u);
  EXPECT_EQ(entity_of(0).start_ms, 5);
  EXPECT_EQ(entity_of(0).end_ms, 9);
  EXPECT_TRUE(entity_of(0).has_one_set());
  EXPECT_EQ(entity_of(0).version->labels, ended.labels);
  EXPECT_EQ(selected.series()[0].labels_hash,
            hash_of({{"__name__", "m"}, {"node", "n"}, {"pod", "p"}}));
  EXPECT_TRUE(selected.series()[0].matches);
  EXPECT_FALSE(entity_of(1).has_one_set());
  EXPECT_EQ(entity_of(1).version, nullptr);
  EXPECT_TRUE(entity_of(2).has_one_set());
  EXPECT_EQ(selected.series()[2].labels_hash, hash_of({{"__name__", "m"}, {"pod", "p"}}));
  EXPECT_TRUE(selected.series()[2].matches);
  EXPECT_EQ(selected.FindEntity(HashId({"none"})), nullptr);
  EXPECT_EQ(*selected.FindEntity(ended.id), selected.series()[0].entity);

  // An entity's own label says so only when it is looked at.
  const auto others = index::Matchers::Compile(
      {{Matcher::Op::kEqual, "__name__", "m"}, {Matcher::Op::kNotEqual, "node", "n"}});
  const auto not_there = dictionary_->FindShared("t", *others, {}, meter);
  ASSERT_TRUE(not_there.ok()) << not_there.status();
  ASSERT_EQ(not_there->shared->series().size(), 4u);
  EXPECT_FALSE(not_there->shared->series()[0].matches);
  EXPECT_FALSE(not_there->shared->series()[1].matches);
  EXPECT_TRUE(not_there->shared->series()[3].matches);
  // {pod="q"} hides the entity's.
  EXPECT_EQ(not_there->shared->series()[1].labels_hash,
            hash_of({{"__name__", "m"}, {"node", "n"}, {"pod", "q"}}));
}

TEST_F(DictionaryTest, AChangedTimelineIsSeenAtOnce) {
  const auto pods = [&] {
    std::vector<SeriesRef> refs;
    EXPECT_TRUE(dictionary_
                    ->Find("t", *index::Matchers::Compile({{Matcher::Op::kEqual, "__name__", "m"}}),
                           {}, refs)
                    .ok());
    EXPECT_EQ(refs.size(), 1u);
    return std::string(refs.at(0).timeline->versions().back().labels.Get("pod"));
  };
  std::vector<SeriesRef> refs;
  const index::DefinitionPtr series =
      index::Intern(model::SeriesDefinition{"m", HashId({"e"}), {}});
  ASSERT_TRUE(
      dictionary_->Write("t", {Version("e", 1, LabelSet({{"pod", "old"}}))}, {series}, refs).ok());
  EXPECT_EQ(pods(), "old");
  ASSERT_TRUE(
      dictionary_->Write("t", {Version("e", 2, LabelSet({{"pod", "new"}}))}, {series}, refs).ok());
  EXPECT_EQ(pods(), "new");
  EXPECT_EQ(refs[1].series, refs[0].series);
  size_t with_old = 0;
  ASSERT_TRUE(dictionary_
                  ->EntitiesWith("t", {"pod", "old"},
                                 [&](const index::TimelinePtr& timeline) {
                                   EXPECT_EQ(timeline->versions().back().labels.Get("pod"), "new");
                                   ++with_old;
                                   return true;
                                 })
                  .ok());
  EXPECT_EQ(with_old, 1u);  // once posted, to be checked by the caller
}

// What rows say against what SeriesIndex says, and every match among it: over writes, reopens, and
// with a cache too small for anything.
class DictionaryOracle : public DictionaryTest, public testing::WithParamInterface<size_t> {
 protected:
  void SetUp() override {
    cache_bytes_ = GetParam();
    DictionaryTest::SetUp();
  }
};

TEST_P(DictionaryOracle, FindsWhatAnIndexInMemoryFinds) {
  std::mt19937 random(11);
  const auto value = [&](size_t kinds) {
    const size_t number = random() % (kinds + 1);
    return number == kinds ? std::string() : "v" + std::to_string(number);
  };
  index::SeriesIndex index;
  uint64_t revision = 0;
  size_t found = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<index::TimelinePtr> entities;
    std::vector<index::DefinitionPtr> series;
    for (size_t i = random() % 5; i > 0; --i) {
      const std::string name = "e" + std::to_string(random() % 12);
      entities.push_back(Version(name, ++revision, LabelSet({{"a", value(4)}, {"b", value(4)}})));
    }
    for (size_t i = random() % 60; i > 0; --i) {
      const size_t entity = random() % 14;
      const Id128 id = entity == 13 ? Id128() : HashId({"e" + std::to_string(entity)});
      series.push_back(index::Intern(
          {"m" + std::to_string(random() % 6), id, LabelSet({{"b", value(3)}, {"c", value(9)}})}));
    }
    std::vector<SeriesRef> refs;
    ASSERT_TRUE(dictionary_->Write("t", entities, series, refs).ok());
    for (const index::TimelinePtr& timeline : entities) {
      const uint32_t entity = index.AddEntity(timeline->versions().front().id);
      auto merged = index.timeline(entity)
                        ? std::make_shared<model::EntityTimeline>(*index.timeline(entity))
                        : std::make_shared<model::EntityTimeline>();
      merged->Merge(*timeline);
      index.SetTimeline(entity, merged);
    }
    for (size_t i = 0; i < series.size(); ++i) {
      ASSERT_EQ(index.AddSeries(series[i]), refs[i].series);
    }
    if (random() % 8 == 0) Reopen();
    if (random() % 8 == 0) dictionary_->Release();

    for (int query = 0; query < 10; ++query) {
      std::vector<Matcher> wanted;
      for (size_t i = 0; i < 1 + random() % 3; ++i) {
        static const char* const names[] = {"a", "b", "c", "__name__", "none"};
        static const char* const regexes[] = {"v[01]", ".*",  "v1|",       "m.",
                                              "x",     "v.+", "v(1|2)|m1", "m[0-2]"};
        const auto op = static_cast<Matcher::Op>(random() % 4);
        const bool regex = op == Matcher::Op::kRegex || op == Matcher::Op::kNotRegex;
        const std::string name = names[random() % 5];
        const std::string plain = name == "__name__" ? "m1" : value(3);
        wanted.push_back({op, name, regex ? regexes[random() % 8] : plain});
      }
      const auto matchers = index::Matchers::Compile(wanted);
      ASSERT_TRUE(matchers.ok());
      std::vector<SeriesRef> candidates;
      const absl::Status status = dictionary_->Find("t", *matchers, {}, candidates);
      ASSERT_TRUE(status.ok()) << status;
      found += candidates.size();
      std::set<uint32_t> ordinals;
      for (const SeriesRef& ref : candidates) {
        ordinals.insert(ref.series);
        ASSERT_EQ(ref.definition, index.definition(ref.series));
        const index::TimelinePtr& timeline = index.timeline(index.entity_of(ref.series));
        ASSERT_EQ(ref.timeline == nullptr, timeline == nullptr);
        ASSERT_TRUE(timeline == nullptr || *ref.timeline == *timeline);
      }
      ASSERT_NO_FATAL_FAILURE(ExpectShared(*matchers));
      const Roaring expected = index.SeriesCandidates(*matchers);
      ASSERT_EQ(ordinals, std::set<uint32_t>(expected.begin(), expected.end()))
          << "round " << round;
    }
  }
  EXPECT_GT(index.series_count(), 3 * kMaxBlockSeries);
  EXPECT_GT(found, 10'000u);
}

// Against a look at every series and every version.
TEST_F(DictionaryTest, GatheringValuesEndsOnceItIsCancelled) {
  std::vector<SeriesRef> refs;
  ASSERT_TRUE(dictionary_
                  ->Write("t", {Version("e", 1, LabelSet({{"a", "1"}}))},
                          {index::Intern(model::SeriesDefinition{"m", HashId({"e"}), {}})}, refs)
                  .ok());
  std::atomic<bool> cancelled = true;
  const CallLimits limits{.cancelled = &cancelled};
  EXPECT_TRUE(absl::IsCancelled(dictionary_->TimedLabelValues("t", "a", limits).status()));
  cancelled = false;
  const auto values = dictionary_->TimedLabelValues("t", "a", limits);
  ASSERT_TRUE(values.ok()) << values.status();
  ASSERT_EQ((*values)->size(), 1u);
  EXPECT_EQ((*values)->value(0), "1");
}

TEST_P(DictionaryOracle, TellsWhenALabelHadAValue) {
  std::mt19937 random(29);
  const auto text = [&](const char* prefix, size_t kinds) {
    return prefix + std::to_string(random() % kinds);
  };
  std::map<std::string, model::EntityTimeline> timelines;
  std::set<std::pair<std::string, std::string>> series;  // entity, own value of "b"
  size_t found = 0;
  for (int round = 0; round < 80; ++round) {
    const std::string entity = text("e", 10);
    model::EntityVersion version;
    version.id = HashId({entity});
    version.revision = 1 + random() % 100;
    version.valid_from_ms = static_cast<int64_t>(random() % 4) * 100;
    if (random() % 3 == 0) version.end_ms = static_cast<int64_t>(random() % 6) * 100;
    version.labels = LabelSet({{"a", text("v", 3)}, {"b", text("v", 3)}});
    version.kubernetes_labels = LabelSet({{text("label_", 2), text("v", 2)}});
    timelines[entity].Add(version);
    std::vector<index::TimelinePtr> entities = {
        std::make_shared<const model::EntityTimeline>(timelines[entity])};
    std::vector<index::DefinitionPtr> definitions;
    if (random() % 2 == 0) {
      const std::string owner = random() % 8 == 0 ? "" : text("e", 10);
      const std::string own = text("v", 6);
      definitions.push_back(
          index::Intern({"m", owner.empty() ? Id128() : HashId({owner}), LabelSet({{"b", own}})}));
      series.emplace(owner, own);
    }
    std::vector<SeriesRef> refs;
    ASSERT_TRUE(dictionary_->Write("t", entities, definitions, refs).ok());
    if (random() % 8 == 0) Reopen();
    if (random() % 8 == 0) dictionary_->Release();

    for (const std::string name : {"a", "b", "label_0", "label_1", "none"}) {
      const int64_t start_ms = static_cast<int64_t>(random() % 700);
      const int64_t end_ms = start_ms + static_cast<int64_t>(random() % 300);
      std::set<std::string> expected;
      for (const auto& [owner, own] : series) {
        if (name == "b") expected.insert(own);
        const auto timeline = timelines.find(owner);
        if (timeline == timelines.end()) continue;
        timeline->second.AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& one) {
          for (const LabelSet* labels : {&one.labels, &one.kubernetes_labels}) {
            if (const auto value = labels->Get(name); !value.empty()) expected.emplace(value);
          }
          return false;
        });
      }
      const auto values = dictionary_->TimedLabelValues("t", name, {});
      ASSERT_TRUE(values.ok()) << values.status();
      std::vector<std::string> told;
      for (size_t i = 0; i < (*values)->size(); ++i) {
        if ((*values)->WasIn(i, start_ms, end_ms)) told.emplace_back((*values)->value(i));
      }
      ASSERT_THAT(told, testing::ElementsAreArray(expected)) << name << " in round " << round;
      found += told.size();
    }
  }
  EXPECT_GT(found, 300u);
}

INSTANTIATE_TEST_SUITE_P(CacheBytes, DictionaryOracle, testing::Values(0, 1 << 20));

}  // namespace
}  // namespace leadline::collector::store::window
