// Rules over a real store, by a clock that stands still until it is told otherwise.
#include "collector/rules/rule_manager.h"

#include <bit>
#include <cmath>
#include <fstream>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::rules {
namespace {

using store::engine::kT0;
using store::engine::Name;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using Health = RuleStatus::Health;

constexpr int64_t kMinute = 60'000;

class RuleManagerTest : public store::engine::StoreFixture {
 protected:
  RuleManagerTest() { options_.clock = &clock_; }
  ~RuleManagerTest() override {
    manager_.reset();
    store_.reset();  // before its clock
  }

  void Write(const std::string& rules, const std::string& file = "rules.yaml") {
    std::ofstream(dir_.File(file)) << rules;
  }

  void OpenRules(const std::string& pattern = "*.yaml") {
    auto opened = RuleManager::Open(
        *store_,
        {.files = {dir_.File(pattern)}, .registry = &registry_, .clock = &clock_, .threads = 0});
    ASSERT_TRUE(opened.ok()) << opened.status();
    manager_ = *std::move(opened);
  }

  // A group of these rules, evaluated every minute.
  void OpenGroup(const std::string& rules, const std::string& more = "") {
    Write("groups:\n- name: g\n" + more + "  rules:\n" + rules);
    OpenRules();
  }

  void Source(const std::string& a, double value) {
    AppendSample({"m", {}, LabelSet({{"a", a}})}, clock_.NowUnixMs(), value);
  }

  // The time of one turn of every group comes.
  void PassMinute() {
    clock_.AdvanceMs(kMinute);
    manager_->RunDue();
  }

  // Of a metric: what each series has, staleness markers as "stale".
  std::map<std::string, std::vector<std::string>> Recorded(const std::string& metric) {
    std::map<std::string, std::vector<std::string>> all;
    for (const store::SeriesBlock& block : Select({Name(metric)})) {
      LabelSet labels = *block.labels;
      labels.Remove(kMetricName);
      for (const double value : block.values) {
        all[labels.ToString()].push_back(
            model::IsStaleNan(value) ? "stale" : std::to_string(static_cast<int>(value)));
      }
    }
    return all;
  }

  RuleStatus OnlyRule() {
    const std::vector<GroupStatus> groups = manager_->Status();
    EXPECT_THAT(groups, SizeIs(1));
    EXPECT_THAT(groups.at(0).rules, SizeIs(1));
    return groups.at(0).rules.at(0);
  }

  double Metric(const std::string& name) {
    double sum = 0;
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_collector_rule_" + name) continue;
      for (const auto& metric : family.metric) sum += metric.counter.value + metric.gauge.value;
    }
    return sum;
  }

  ManualClock clock_{kT0};
  prometheus::Registry registry_;
  std::unique_ptr<RuleManager> manager_;
};

TEST_F(RuleManagerTest, RulesSeeWhatThoseBeforeThemGave) {
  OpenGroup(
      "  - {record: doubled, expr: m * 2, labels: {by: rule, a: ''}}\n"
      "  - {record: again, expr: doubled + 1}\n");
  Source("x", 3);
  PassMinute();
  EXPECT_THAT(Recorded("doubled"), ElementsAre(Pair(R"({by="rule"})", ElementsAre("6"))));
  EXPECT_THAT(Recorded("again"), ElementsAre(Pair(R"({by="rule"})", ElementsAre("7"))));
  EXPECT_EQ(Metric("evaluations_total"), 2);
  EXPECT_EQ(Metric("group_last_evaluation_samples"), 2);
}

TEST_F(RuleManagerTest, EachTurnComesOnce) {
  OpenGroup("  - {record: r, expr: m}\n");
  Source("x", 1);
  PassMinute();
  manager_->RunDue();
  EXPECT_THAT(Recorded("r"), ElementsAre(Pair(R"({a="x"})", ElementsAre("1"))));
  Source("x", 2);
  PassMinute();
  EXPECT_THAT(Recorded("r"), ElementsAre(Pair(R"({a="x"})", ElementsAre("1", "2"))));
  EXPECT_EQ(Metric("group_iterations_total"), 2);
  EXPECT_EQ(Metric("group_iterations_missed_total"), 0);
}

TEST_F(RuleManagerTest, CountsTheTurnsThatItMissed) {
  OpenGroup("  - {record: r, expr: m}\n");
  PassMinute();
  clock_.AdvanceMs(10 * kMinute);
  manager_->RunDue();
  EXPECT_EQ(Metric("group_iterations_missed_total"), 8);  // the first late one was still evaluated
  EXPECT_EQ(Metric("group_iterations_total"), 11);
}

TEST_F(RuleManagerTest, SeriesThatAreGoneAreClosed) {
  OpenGroup("  - {record: r, expr: m}\n");
  Source("x", 1);
  Source("y", 2);
  PassMinute();
  Source("x", std::bit_cast<double>(model::kStaleNanBits));
  PassMinute();
  EXPECT_THAT(Recorded("r"), UnorderedElementsAre(Pair(R"({a="x"})", ElementsAre("1", "stale")),
                                                  Pair(R"({a="y"})", ElementsAre("2", "2"))));
  PassMinute();
  EXPECT_THAT(Recorded("r")[R"({a="x"})"], ElementsAre("1", "stale"));
}

TEST_F(RuleManagerTest, AScalarIsASeriesWithoutLabels) {
  OpenGroup("  - {record: r, expr: 6 * 7, labels: {by: rule}}\n",
            "  labels: {of: group, by: group}\n");
  EXPECT_EQ(OnlyRule().labels, LabelSet({{"by", "rule"}, {"of", "group"}}));
  PassMinute();
  EXPECT_THAT(Recorded("r"), ElementsAre(Pair(R"({by="rule", of="group"})", ElementsAre("42"))));
}

TEST_F(RuleManagerTest, KeepsHistogramsWithTheirFractions) {
  OpenGroup(
      "  - {record: r, expr: \"sum without (a) (rate(h[5m]))\"}\n"
      "  - {record: again, expr: r * 2}\n");
  store::WriteBatch batch;
  batch.series = {Resolve({"h", {}, LabelSet({{"a", "x"}})}),
                  Resolve({"h", {}, LabelSet({{"a", "y"}})})};
  for (int64_t i = 0; i <= 5; ++i) {
    const auto n = static_cast<uint64_t>(i);
    const model::NativeHistogram histogram{
        .schema = 1, .count = 7 * n, .sum = 0.5 * double(i), .positive = {{-1, 7 * n}}};
    batch.histograms.push_back(
        {clock_.NowUnixMs() - (5 - i) * kMinute, {0, 1}, {histogram, histogram}});
    if (i == 0) batch.histograms.back().values = {{.schema = 1}, {.schema = 1}};
  }
  Append(std::move(batch));
  PassMinute();
  Flush();
  const auto only = [&](const std::string& metric) {
    const std::vector<store::SeriesBlock> blocks = Select({Name(metric)});
    EXPECT_THAT(blocks, SizeIs(1));
    EXPECT_THAT(blocks.at(0).histograms, SizeIs(1));
    return promql::Histogram::From(blocks.at(0).histograms.at(0));
  };
  const promql::Histogram rate = only("r");
  EXPECT_EQ(rate.schema, 1);
  EXPECT_TRUE(rate.is_gauge());
  // Seven observations a minute of each; what the range has beyond the samples depends on the turn.
  EXPECT_THAT(rate.count, DoubleNear(14.0 / 60, 14.0 / 60 / 5));
  EXPECT_NE(rate.count, std::floor(rate.count));
  EXPECT_THAT(rate.positive, ElementsAre(promql::Histogram::Bucket{-1, rate.count}));
  EXPECT_EQ(only("again").count, 2 * rate.count);
  const GroupStatus group = manager_->Status().at(0);
  for (const RuleStatus& rule : group.rules) {
    EXPECT_EQ(rule.health, Health::kOk) << rule.last_error;
  }
}

TEST_F(RuleManagerTest, LooksBackByTheOffset) {
  OpenGroup("  - {record: r, expr: time()}\n", "  query_offset: 30s\n");
  PassMinute();
  const std::vector<store::SeriesBlock> blocks = Select({Name("r")});
  ASSERT_THAT(blocks, SizeIs(1));
  const GroupStatus group = manager_->Status()[0];
  EXPECT_THAT(blocks[0].ts_ms, ElementsAre(group.last_evaluation_ms - 30'000));
  EXPECT_THAT(blocks[0].values,
              ElementsAre(static_cast<double>(group.last_evaluation_ms - 30'000) / 1000));
}

struct Failing {
  const char* name;
  const char* rule;
  const char* group;
  const char* error;
};

class FailingRule : public RuleManagerTest, public testing::WithParamInterface<Failing> {};

TEST_P(FailingRule, GivesNothingAndSaysWhy) {
  OpenGroup(GetParam().rule, GetParam().group);
  Source("x", 1);
  Source("y", 2);
  store::WriteBatch batch;
  batch.series = {Resolve({"h", {}, {}})};
  batch.histograms.push_back({clock_.NowUnixMs(), {0}, {{.count = 2, .positive = {{1, 2}}}}});
  Append(std::move(batch));
  PassMinute();
  EXPECT_THAT(Recorded("r"), IsEmpty());
  EXPECT_EQ(OnlyRule().health, Health::kError);
  EXPECT_THAT(OnlyRule().last_error, HasSubstr(GetParam().error));
  EXPECT_EQ(Metric("evaluation_failures_total"), 1);
}

constexpr Failing kFailing[] = {
    {"SameLabels", "  - {record: r, expr: m, labels: {a: ''}}\n", "",
     "vector contains metrics with the same labelset after applying rule labels: {__name__=\"r\"}"},
    {"Limit", "  - {record: r, expr: m}\n", "  limit: 1\n", "exceeded limit of 1 with 2 series"},
    {"NoVector", "  - {record: r, expr: \"'text'\"}\n", "", "not a vector or scalar"},
    {"Query", "  - {record: r, expr: m + ignoring(a) m}\n", "", "many"},
    {"NegativeBucket", "  - {record: r, expr: h * -0.25}\n", "",
     "{__name__=\"r\"} is a native histogram with a bucket of -0.5 observations"},
};

INSTANTIATE_TEST_SUITE_P(All, FailingRule, testing::ValuesIn(kFailing),
                         [](const auto& row) { return row.param.name; });

TEST_F(RuleManagerTest, AFailureIsOverWhenItIs) {
  OpenGroup("  - {record: r, expr: m}\n", "  limit: 1\n");
  Source("x", 1);
  Source("y", 2);
  PassMinute();
  EXPECT_EQ(OnlyRule().health, Health::kError);
  Source("y", std::bit_cast<double>(model::kStaleNanBits));
  PassMinute();
  EXPECT_EQ(OnlyRule().health, Health::kOk);
  EXPECT_EQ(OnlyRule().last_error, "");
  EXPECT_THAT(Recorded("r"), ElementsAre(Pair(R"({a="x"})", ElementsAre("1"))));
}

TEST_F(RuleManagerTest, AlertingRulesAreShownAndNotEvaluated) {
  OpenGroup("  - {alert: Down, expr: m == 1, for: 5m}\n");
  Source("x", 1);
  PassMinute();
  EXPECT_EQ(OnlyRule().rule.kind, Rule::Kind::kAlerting);
  EXPECT_EQ(OnlyRule().health, Health::kUnknown);
  EXPECT_EQ(OnlyRule().last_error, "alerting rules are not evaluated");
  EXPECT_EQ(Metric("evaluations_total"), 0);
  EXPECT_EQ(Metric("alerting_rules"), 1);
}

TEST_F(RuleManagerTest, AReloadGoesOnWithWhatStays) {
  OpenGroup("  - {record: r, expr: m}\n  - {record: gone, expr: m}\n");
  Source("x", 1);
  PassMinute();
  Write("groups:\n- name: g\n  rules:\n  - {record: r, expr: m * 10}\n");
  ASSERT_EQ(manager_->Reload(), absl::OkStatus());
  EXPECT_THAT(Recorded("gone")[R"({a="x"})"], ElementsAre("1", "stale"));
  EXPECT_EQ(OnlyRule().health, Health::kOk);
  EXPECT_EQ(OnlyRule().query, "m * 10");
  Source("x", std::bit_cast<double>(model::kStaleNanBits));
  PassMinute();
  // It was known that the rule had given it.
  EXPECT_THAT(Recorded("r")[R"({a="x"})"], ElementsAre("1", "stale"));
}

TEST_F(RuleManagerTest, AGroupThatIsRemovedClosesItsSeries) {
  Write("groups:\n- {name: a, rules: [{record: r, expr: m}]}\n", "a.yaml");
  Write("groups:\n- {name: b, rules: [{record: s, expr: m}]}\n", "b.yaml");
  OpenRules();
  Source("x", 1);
  PassMinute();
  std::remove(dir_.File("b.yaml").c_str());
  ASSERT_EQ(manager_->Reload(), absl::OkStatus());
  EXPECT_THAT(Recorded("r")[R"({a="x"})"], ElementsAre("1"));
  EXPECT_THAT(Recorded("s")[R"({a="x"})"], ElementsAre("1", "stale"));
  EXPECT_THAT(manager_->Status(), SizeIs(1));
}

TEST_F(RuleManagerTest, AReloadThatFailsChangesNothing) {
  OpenGroup("  - {record: r, expr: m}\n");
  Write("groups:\n- {name: a, rules: [{record: r, expr: 'm +'}]}\n");
  const absl::Status status = manager_->Reload();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(StatusMessage(status)),
              HasSubstr("rules.yaml:2: group \"a\", rule \"r\": could not parse expression"));
  EXPECT_EQ(Metric("last_reload_successful"), 0);
  Source("x", 1);
  PassMinute();
  EXPECT_THAT(Recorded("r"), SizeIs(1));
}

TEST_F(RuleManagerTest, AFileThatIsNamedMustBeThere) {
  const auto opened = RuleManager::Open(
      *store_,
      {.files = {dir_.File("none.yaml")}, .registry = &registry_, .clock = &clock_, .threads = 0});
  EXPECT_THAT(std::string(StatusMessage(opened.status())), HasSubstr("none.yaml: is not there"));
}

TEST_F(RuleManagerTest, ThreadsTakeTurnsAndEnd) {
  Write("groups:\n- {name: g, interval: 1ms, rules: [{record: r, expr: '1'}]}\n");
  auto opened = RuleManager::Open(
      *store_,
      {.files = {dir_.File("rules.yaml")}, .registry = &registry_, .clock = &clock_, .threads = 2});
  ASSERT_TRUE(opened.ok()) << opened.status();
  // The clock stands still, so one turn has come.
  clock_.AdvanceMs(1);
  while ((*opened)->Status()[0].last_evaluation_ms < kT0 + 1) std::this_thread::yield();
  opened->reset();
  EXPECT_THAT(Select({Name("r")}), SizeIs(1));
}

}  // namespace
}  // namespace leadline::collector::rules
