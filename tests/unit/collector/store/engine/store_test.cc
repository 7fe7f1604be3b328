// What the interface promises, each from the head, from windows after a flush, and after a restart.
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Where { kHead, kWindows, kRecovered, kRecoveredWindows };

class StoreTest : public StoreFixture, public testing::WithParamInterface<Where> {
 protected:
  // Moves what was written to where the parameter says.
  void Settle() {
    if (GetParam() == Where::kWindows || GetParam() == Where::kRecoveredWindows) Flush();
    if (GetParam() == Where::kRecovered || GetParam() == Where::kRecoveredWindows) Open();
  }

  const model::EntityVersion web_ =
      Container("web", LabelSet({{"pod", "web-1"}, {"namespace", "shop"}}), kT0);
  const model::SeriesDefinition cpu_{"cpu", web_.id, LabelSet({{"mode", "user"}})};
};

std::string WhereName(const testing::TestParamInfo<Where>& where) {
  static const char* const names[] = {"Head", "Windows", "Recovered", "RecoveredWindows"};
  return names[static_cast<int>(where.param)];
}

INSTANTIATE_TEST_SUITE_P(Everywhere, StoreTest,
                         testing::Values(Where::kHead, Where::kWindows, Where::kRecovered,
                                         Where::kRecoveredWindows),
                         WhereName);

TEST_P(StoreTest, ShowsEntityAndResidualLabels) {
  WriteBatch batch = Sample(cpu_, kT0 + 1, 5);
  batch.entities = {web_};
  Append(batch);
  Settle();
  EXPECT_THAT(Texts(Select({Name("cpu")})),
              ElementsAre(R"({__name__="cpu", mode="user", namespace="shop", pod="web-1"} 1=5)"));
}

TEST_P(StoreTest, KeepsTheLastWrittenOfEqualTimesInOrderOfTime) {
  for (const int64_t ts : {30, 10, 20, 10, 40, 5}) AppendSample(cpu_, kT0 + ts, double(ts));
  AppendSample(cpu_, kT0 + 20, 21);
  AppendSample(cpu_, kT0 + 40, model::StaleNan());
  Settle();
  EXPECT_THAT(Texts(Select({Name("cpu")})),
              ElementsAre(R"({__name__="cpu", mode="user"} 5=5 10=10 20=21 30=30 40=stale)"));
}

TEST_P(StoreTest, LateSamplesMeetWhatIsInWindows) {
  AppendRun(cpu_, 1000, 2);
  Flush();
  AppendSample(cpu_, kT0 + 501, -1);
  AppendSample(cpu_, kT0 + 500, -2);
  AppendSample(cpu_, kT0 + 5000, -3);
  Settle();
  const auto blocks = Select({Name("cpu")});
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].ts_ms.size(), 1002u);
  EXPECT_THAT(Texts(Select({Name("cpu")}, {.start_ms = kT0 + 499, .end_ms = kT0 + 503})),
              ElementsAre(R"({__name__="cpu", mode="user"} 500=-2 501=-1 502=251)"));
}

TEST_P(StoreTest, CutsTheRangeAtBothEndsInclusive) {
  AppendRun(cpu_, 10, 10);
  Settle();
  EXPECT_THAT(Texts(Select({Name("cpu")}, {.start_ms = kT0 + 20, .end_ms = kT0 + 40})),
              ElementsAre(R"({__name__="cpu", mode="user"} 20=2 30=3 40=4)"));
  EXPECT_THAT(Select({Name("cpu")}, {.start_ms = kT0 + 41, .end_ms = kT0 + 49}), IsEmpty());
}

TEST_P(StoreTest, SpansWindows) {
  for (int64_t day = 0; day < 4; ++day) AppendSample(cpu_, kT0 + day * kDay, double(day));
  AppendSample(cpu_, kT0 + kDay - 1, 9);
  Settle();
  EXPECT_THAT(
      Texts(Select({Name("cpu")})),
      ElementsAre(
          R"({__name__="cpu", mode="user"} 0=0 86399999=9 86400000=1 172800000=2 259200000=3)"));
}

TEST_P(StoreTest, KeepsHistograms) {
  WriteBatch batch;
  batch.series = {Resolve({"latency", web_.id, {}})};
  for (uint64_t i = 1; i <= 300; ++i) {
    model::NativeHistogram histogram;
    histogram.schema = 2;
    histogram.count = i;
    histogram.sum = 0.5 * double(i);
    histogram.positive = {{-3, i}};
    batch.histograms.push_back({kT0 + static_cast<int64_t>(i), {0}, {histogram}});
  }
  Append(batch);
  Settle();
  const auto blocks = Select({Name("latency")});
  ASSERT_EQ(blocks.size(), 1u);
  ASSERT_EQ(blocks[0].histograms.size(), 300u);
  EXPECT_EQ(blocks[0].histograms, [&] {
    std::vector<model::NativeHistogram> values;
    for (const auto& frame : batch.histograms) values.push_back(frame.values[0]);
    return values;
  }());
}

// As where a rule records another query from some time on.
TEST_P(StoreTest, KeepsHistogramsOfWholeAndOfFloatCounts) {
  WriteBatch batch;
  batch.series = {Resolve({"latency:rate5m", {}, {}})};
  std::vector<model::NativeHistogram> expected;
  for (int i = 1; i <= 300; ++i) {
    model::NativeHistogram histogram;
    histogram.schema = i / 100;
    if (i % 7 == 0) histogram.schema = model::kCustomBuckets;
    if (histogram.schema == model::kCustomBuckets) histogram.custom_bounds = {0.5, 2.5};
    histogram.reset_hint = static_cast<model::ResetHint>(i / 20 % 4);
    histogram.float_counts = i / 50 % 2 == 0 || i == 70;
    const auto count = [&](double value) {
      return histogram.float_counts ? model::FloatCount(value) : static_cast<uint64_t>(value) + 1;
    };
    histogram.count = count(i / 3.0);
    histogram.sum = 0.5 * i;
    histogram.positive = {{0, count(i / 7.0)}, {2, count(1e-9 * i)}};
    if (i == 20) histogram.positive[1].count = model::FloatCount(HUGE_VAL);
    if (i == 21) histogram.count = model::FloatCount(std::nan(""));
    expected.push_back(histogram);
    batch.histograms.push_back({kT0 + i, {0}, {std::move(histogram)}});
  }
  Append(batch);
  Settle();
  const auto blocks = Select({Name("latency:rate5m")});
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].histograms, expected);
}

TEST_P(StoreTest, ChangedLabelsGiveABlockEach) {
  WriteBatch batch = Sample(cpu_, kT0 + 10, 1);
  batch.entities = {web_};
  Append(batch);
  model::EntityVersion moved = web_;
  moved.labels = LabelSet({{"pod", "web-2"}});
  moved.valid_from_ms = kT0 + 20;
  moved.revision = 2;
  batch = Sample(cpu_, kT0 + 20, 2);
  batch.entities = {moved};
  Append(batch);
  AppendSample(cpu_, kT0 + 30, 3);
  Settle();
  EXPECT_THAT(
      Texts(Select({Name("cpu")})),
      ElementsAre(R"({__name__="cpu", mode="user", namespace="shop", pod="web-1"} 10=1 20=stale)",
                  R"({__name__="cpu", mode="user", pod="web-2"} 20=2 30=3)"));
  EXPECT_THAT(Texts(Select({Name("cpu"), Equal("pod", "web-2")})),
              ElementsAre(R"({__name__="cpu", mode="user", pod="web-2"} 20=2 30=3)"));
  EXPECT_THAT(Texts(Select({Name("cpu"), Equal("namespace", "")})),
              ElementsAre(R"({__name__="cpu", mode="user", pod="web-2"} 20=2 30=3)"));
}

TEST_P(StoreTest, LabelsLearnedLateAreFoundInOlderWindows) {
  AppendSample(cpu_, kT0 + 10, 1);
  AppendSample(cpu_, kT0 + kDay, 2);
  Flush();
  WriteBatch late;
  late.entities = {web_};
  Append(late);
  Settle();
  EXPECT_THAT(
      Texts(Select({Equal("pod", "web-1")})),
      ElementsAre(
          R"({__name__="cpu", mode="user", namespace="shop", pod="web-1"} 10=1 86400000=2)"));
}

TEST_P(StoreTest, KubernetesLabelsShowOnlyWhereTheyAreNamed) {
  model::EntityVersion version = web_;
  version.kubernetes_labels = LabelSet({{"label_app", "shop"}, {"label_tier", "front"}});
  WriteBatch batch = Sample(cpu_, kT0 + 1, 1);
  batch.entities = {version};
  Append(batch);
  Settle();
  EXPECT_THAT(Texts(Select({Name("cpu")})),
              ElementsAre(R"({__name__="cpu", mode="user", namespace="shop", pod="web-1"} 1=1)"));
  const std::string with_app =
      R"({__name__="cpu", label_app="shop", mode="user", namespace="shop", pod="web-1"} 1=1)";
  EXPECT_THAT(Texts(Select({Name("cpu")}, {.named_labels = {"label_app", "pod"}})),
              ElementsAre(with_app));
  EXPECT_THAT(Texts(Select({Equal("label_app", "shop")})), ElementsAre(with_app));
  EXPECT_THAT(Select({Equal("label_app", "other")}), IsEmpty());
  EXPECT_THAT(*store_->queryable().LabelNames(kTenant, {}),
              ElementsAre("__name__", "label_app", "label_tier", "mode", "namespace", "pod"));
  EXPECT_THAT(*store_->queryable().LabelValues(kTenant, "label_tier", {}), ElementsAre("front"));
}

TEST_P(StoreTest, EqualLabelsOfSeveralEntitiesAreJoinedAndTheNewestCountsFromItsStart) {
  const LabelSet labels({{"container", "app"}});
  model::EntityVersion old_one = Container("old", labels, kT0);
  old_one.end_ms = kT0 + 25;
  const model::EntityVersion new_one = Container("new", labels, kT0 + 20);
  for (const auto& [version, first] : {std::pair(old_one, 10), std::pair(new_one, 20)}) {
    for (int i = 0; i < 2; ++i) {
      WriteBatch batch = Sample({"cpu", version.id, {}}, kT0 + first + 10 * i, first + i);
      batch.entities = {version};
      Append(batch);
    }
  }
  Settle();
  const auto blocks = Select({Name("cpu")});
  EXPECT_THAT(Texts(blocks),
              ElementsAre(R"({__name__="cpu", container="app"} 10=10 19=11 20=20 30=21)"));
  EXPECT_EQ(blocks[0].entity, new_one.id);
  EXPECT_EQ(blocks[0].entity_start_ms, kT0);
  EXPECT_EQ(blocks[0].entity_end_ms, model::kOpenEnd);
}

// A container that was restarted, three runs of it, each removed only after the next had begun.
TEST_P(StoreTest, WhatAnEntityCountedAfterItsSuccessorsStartIsToldBeforeIt) {
  const LabelSet labels({{"container", "app"}});
  const auto run = [&](const std::string& name, int64_t start, const std::vector<double>& values) {
    model::EntityVersion version = Container(name, labels, kT0 + start);
    WriteBatch batch;
    batch.entities = {version};
    batch.series = {Resolve({"calls", version.id, {}})};
    for (size_t i = 0; i < values.size(); ++i) {
      batch.floats.push_back({kT0 + start + static_cast<int64_t>(i) * 10, {0}, {values[i]}});
    }
    batch.series.push_back(Resolve({"latency", version.id, {}}));
    model::NativeHistogram histogram;
    histogram.schema = 2;
    histogram.count = static_cast<uint64_t>(values.size());
    histogram.positive = {{-3, histogram.count}};
    batch.histograms.push_back({kT0 + start + 35, {1}, {histogram}});
    Append(batch);
  };
  run("first", 0, {0, 3, 5, 7, model::StaleNan()});
  run("second", 25, {0, 2, 2, 9, 11, model::StaleNan()});
  run("third", 50, {0, 4});
  Settle();
  EXPECT_THAT(Texts(Select({Name("calls")})),
              ElementsAre(R"({__name__="calls", container="app"} )"
                          "0=0 10=3 20=5 24=7 25=0 35=2 45=2 49=11 50=0 60=4"));
  EXPECT_THAT(Texts(Select({Name("latency")})),
              ElementsAre(R"({__name__="latency", container="app"} 24=h5 49=h6 85=h2)"));
  // Where the range begins later, what was told before it is not in it.
  EXPECT_THAT(Texts(Select({Name("calls")}, {.start_ms = kT0 + 50, .end_ms = kT0 + 60})),
              ElementsAre(R"({__name__="calls", container="app"} 50=0 60=4)"));
}

TEST_P(StoreTest, AnEndIsKnownToTheBlock) {
  WriteBatch batch = Sample(cpu_, kT0 + 1, 1);
  batch.entities = {web_};
  Append(batch);
  model::EntityVersion ended = web_;
  ended.end_ms = kT0 + 60'000;
  ended.revision = 2;
  WriteBatch end;
  end.entities = {ended};
  Append(end);
  Settle();
  const auto blocks = Select({Name("cpu")});
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].entity_start_ms, kT0);
  EXPECT_EQ(blocks[0].entity_end_ms, kT0 + 60'000);
  EXPECT_EQ(store_->queryable().EntitiesAt(kTenant, kT0 + 60'000)->size(), 1u);
  EXPECT_THAT(*store_->queryable().EntitiesAt(kTenant, kT0 + 60'001), IsEmpty());
}

TEST_P(StoreTest, EntitiesWithoutSamplesAreKept) {
  model::EntityVersion later = web_;
  later.valid_from_ms = kT0 + 100;
  later.revision = 2;
  later.labels.Set("pod", "renamed");
  WriteBatch batch;
  batch.entities = {web_, later, Container("gone", LabelSet(), kT0)};
  batch.entities.back().end_ms = kT0 + 50;
  Append(batch);
  Settle();
  const auto early = *store_->queryable().EntitiesAt(kTenant, kT0 + 50);
  EXPECT_EQ(early.size(), 2u);
  const auto late = *store_->queryable().EntitiesAt(kTenant, kT0 + 100);
  EXPECT_THAT(late, ElementsAre(later));
  EXPECT_THAT(*store_->queryable().EntitiesAt(kTenant, kT0 - 1), IsEmpty());
}

TEST_P(StoreTest, TenantsDoNotSeeEachOther) {
  AppendSample(cpu_, kT0, 1);
  WriteBatch other;
  other.series = {Resolve(cpu_, "other")};
  other.entities = {web_};
  other.floats.push_back({kT0, {0}, {2}});
  Append(other, "other");
  Settle();
  EXPECT_THAT(Texts(Select({Name("cpu")})), ElementsAre(R"({__name__="cpu", mode="user"} 0=1)"));
  EXPECT_EQ(Select({Equal("pod", "web-1")}).size(), 0u);
  EXPECT_EQ(Select({Equal("pod", "web-1")}, {}, "other").size(), 1u);
  EXPECT_THAT(*store_->queryable().EntitiesAt(kTenant, kT0), IsEmpty());
  EXPECT_THAT(*store_->queryable().LabelNames("none", {}), IsEmpty());
}

struct MatcherCase {
  std::vector<Matcher> matchers;
  std::vector<std::string> pods;
};

TEST_P(StoreTest, Matchers) {
  const auto add = [&](const std::string& pod, const std::string& tier) {
    WriteBatch batch =
        Sample({"up", HashId({"container", pod}), LabelSet({{"tier", tier}})}, kT0, 1);
    batch.entities = {Container(pod, LabelSet({{"pod", pod}}), kT0)};
    Append(batch);
  };
  add("a-1", "front");
  add("a-2", "");
  add("b-1", "back");
  Settle();
  using Op = Matcher::Op;
  const MatcherCase cases[] = {
      {{Name("up")}, {"a-1", "a-2", "b-1"}},
      {{Equal("pod", "a-1")}, {"a-1"}},
      {{Equal("tier", "front")}, {"a-1"}},
      {{Name("up"), Equal("tier", "")}, {"a-2"}},
      {{Name("up"), {Op::kNotEqual, "pod", "a-1"}}, {"a-2", "b-1"}},
      {{Name("up"), {Op::kNotEqual, "tier", ""}}, {"a-1", "b-1"}},
      {{{Op::kRegex, "pod", "a-.*"}}, {"a-1", "a-2"}},
      {{{Op::kRegex, "pod", "a"}}, {}},
      {{{Op::kRegex, "pod", "-1"}}, {}},
      {{{Op::kRegex, "tier", "front|back"}}, {"a-1", "b-1"}},
      {{Name("up"), {Op::kRegex, "tier", "front|"}}, {"a-1", "a-2"}},
      {{Name("up"), {Op::kNotRegex, "tier", "fr.*"}}, {"a-2", "b-1"}},
      {{Name("up"), {Op::kNotRegex, "pod", ".*1"}}, {"a-2"}},
      {{{Op::kRegex, "__name__", "u."}, Equal("pod", "b-1")}, {"b-1"}},
      {{Name("down"), Equal("pod", "b-1")}, {}},
      {{Equal("pod", "a-1"), Equal("tier", "back")}, {}},
  };
  for (const MatcherCase& test : cases) {
    std::vector<std::string> pods;
    for (const SeriesBlock& block : Select(test.matchers)) {
      pods.emplace_back(block.labels->Get("pod"));
    }
    EXPECT_EQ(pods, test.pods) << test.matchers.front().name << " " << test.matchers.front().value
                               << ", " << test.matchers.back().name << " "
                               << test.matchers.back().value;
  }
}

TEST_P(StoreTest, Metadata) {
  for (int i = 0; i < 3; ++i) {
    const std::string pod = "p" + std::to_string(i);
    WriteBatch batch =
        Sample({"m" + std::to_string(i % 2), HashId({"container", pod}), {}}, kT0 + i * kDay, 1);
    batch.entities = {Container(pod, LabelSet({{"pod", pod}}), kT0)};
    Append(batch);
  }
  Settle();
  EXPECT_THAT(*store_->queryable().LabelValues(kTenant, "__name__", {}), ElementsAre("m0", "m1"));
  EXPECT_THAT(*store_->queryable().LabelValues(kTenant, "pod", {}), ElementsAre("p0", "p1", "p2"));
  EXPECT_THAT(*store_->queryable().LabelValues(kTenant, "pod", {.limit = 2}),
              ElementsAre("p0", "p1"));
  EXPECT_THAT(*store_->queryable().LabelValues(kTenant, "pod", {.selectors = {{Name("m0")}}}),
              ElementsAre("p0", "p2"));
  EXPECT_THAT(*store_->queryable().LabelValues(
                  kTenant, "pod", {.start_ms = kT0 + kDay, .end_ms = kT0 + 2 * kDay - 1}),
              ElementsAre("p1"));
  EXPECT_THAT(
      *store_->queryable().Series(kTenant, {.selectors = {{Name("m1")}, {Equal("pod", "p0")}}}),
      ElementsAre(LabelSet({{"__name__", "m0"}, {"pod", "p0"}}),
                  LabelSet({{"__name__", "m1"}, {"pod", "p1"}})));
  EXPECT_EQ(store_->queryable().Series(kTenant, {.selectors = {{Equal("x", "")}}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreTest, WriterSequencesAreKept) {
  const WriterId writer{HashId({"agent"}), 2};
  EXPECT_EQ(store_->LastSequence(kTenant, writer), 0u);
  for (uint64_t sequence : {1, 2, 3, 2}) {
    WriteBatch batch = Sample(cpu_, kT0 + static_cast<int64_t>(sequence), double(sequence));
    batch.writer = writer;
    batch.sequence = sequence;
    Append(batch);
  }
  Settle();
  EXPECT_EQ(store_->LastSequence(kTenant, writer), 3u);
  EXPECT_EQ(store_->LastSequence("other", writer), 0u);
  EXPECT_EQ(store_->LastSequence(kTenant, {writer.agent, 1}), 0u);
  WriteBatch again = Sample(cpu_, kT0 + 100, 1);
  again.writer = writer;
  again.sequence = 3;
  Append(again);
  EXPECT_THAT(Texts(Select({Name("cpu")})),
              ElementsAre(R"({__name__="cpu", mode="user"} 1=1 2=2 3=3)"));
}

TEST_P(StoreTest, LimitsAreKept) {
  AppendRun(cpu_, 600, 1);
  Settle();
  SelectHints hints{.end_ms = kT0 + kDay, .max_samples = 599};
  const auto refused = store_->queryable().Select(kTenant, {Name("cpu")}, hints);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("599"));
  hints.max_samples = 600;
  EXPECT_TRUE(store_->queryable().Select(kTenant, {Name("cpu")}, hints).ok());
  hints.deadline = SteadyNow() + absl::Hours(1);
  EXPECT_TRUE(store_->queryable().Select(kTenant, {Name("cpu")}, hints).ok());
  hints.deadline = SteadyNow() - absl::Nanoseconds(1);
  EXPECT_EQ(store_->queryable().Select(kTenant, {Name("cpu")}, hints).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_P(StoreTest, RefusesSelectorsThatMatchEverythingOrCannotBeRead) {
  EXPECT_EQ(store_->queryable().Select(kTenant, {}, {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      store_->queryable().Select(kTenant, {{Matcher::Op::kRegex, "x", ".*"}}, {}).status().code(),
      absl::StatusCode::kInvalidArgument);
  const auto bad = store_->queryable().Select(kTenant, {{Matcher::Op::kRegex, "x", "("}}, {});
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(bad.status().message()), HasSubstr("label x"));
}

}  // namespace
}  // namespace leadline::collector::store::engine
