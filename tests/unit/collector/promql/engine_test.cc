// What test scripts cannot say: raw samples, limits, hints, errors of the store.
#include "collector/promql/engine.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/promql/memory_queryable.h"

namespace leadline::collector::promql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EngineTest : public testing::Test {
 protected:
  void Add(LabelSet labels, std::vector<double> values, int64_t interval_ms = 10'000) {
    store::SeriesBlock series;
    series.labels = std::make_shared<const LabelSet>(std::move(labels));
    for (size_t i = 0; i < values.size(); ++i) {
      series.ts_ms.push_back(static_cast<int64_t>(i) * interval_ms);
    }
    series.values = std::move(values);
    store_.Add(std::move(series));
  }

  Engine MakeEngine(EngineOptions options = {}) { return Engine(store_, options); }

  promqltest::MemoryQueryable store_;
};

TEST_F(EngineTest, RangeSelectorsLeaveOutTheLeftEndAndMarkers) {
  Add({{"__name__", "x"}}, {0, 1, model::StaleNan(), 3, 4});
  const auto result = MakeEngine().Instant("t", "x[30s] offset 5s", 45'000);
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->type, QueryResult::Type::kMatrix);
  ASSERT_EQ(result->series.size(), 1u);
  // (10 s, 40 s]
  EXPECT_THAT(result->series[0].ts_ms, ElementsAre(30'000, 40'000));
  EXPECT_THAT(result->series[0].values, ElementsAre(3, 4));
}

TEST_F(EngineTest, TellsTheStoreWhatItNeeds) {
  const auto ask = [&](const std::string& query) {
    const auto result = MakeEngine().Range("t", query, 600'000, 660'000, 30'000);
    EXPECT_TRUE(result.ok()) << result.status();
    return store_.last_hints();
  };
  auto hints = ask("sum by (label_app) (rate(x{label_tier='a'}[1m] offset 10s))");
  EXPECT_EQ(hints.start_ms, 600'000 - 70'000 + 1);
  EXPECT_EQ(hints.end_ms, 650'000);
  EXPECT_EQ(hints.step_ms, 30'000);
  EXPECT_EQ(hints.function, "rate");
  EXPECT_THAT(hints.named_labels, ElementsAre("__name__", "label_app", "label_tier"));
  hints = ask("max(x @ 100)");
  EXPECT_EQ(hints.start_ms, 100'000 - 300'000 + 1);
  EXPECT_EQ(hints.end_ms, 100'000);
  EXPECT_EQ(hints.function, "max");
  EXPECT_FALSE(hints.presence);
  for (const char* query :
       {"count(x)", "group by (a) ((x))", "count(count by (a) (x offset 1m))"}) {
    EXPECT_TRUE(ask(query).presence) << query;
  }
  for (const char* query : {"count(x > 1)", "count(-x)", "count(rate(x[1m]))", "sum(x)", "x",
                            "count(abs(x))", "count_values('a', x)", "count(x smoothed)",
                            "count(topk(1, x))", "count(max_over_time(x[1m:10s]))"}) {
    EXPECT_FALSE(ask(query).presence) << query;
  }
}

TEST_F(EngineTest, BoundsSamples) {
  Add({{"__name__", "x"}, {"i", "1"}}, std::vector<double>(100, 1));
  Add({{"__name__", "x"}, {"i", "2"}}, std::vector<double>(100, 1));
  const Engine engine = MakeEngine({.max_samples = 150});
  const auto code = [&](const std::string& query, int64_t steps) {
    return engine.Range("t", query, 0, steps * 10'000, 10'000).status().code();
  };
  EXPECT_EQ(code("sum(x{i='1'})", 10), absl::StatusCode::kOk);
  EXPECT_EQ(code("sum(x)", 99), absl::StatusCode::kResourceExhausted) << "raw samples";
  EXPECT_EQ(code("x{i='1'}", 99), absl::StatusCode::kResourceExhausted) << "and the result";
  EXPECT_EQ(code("1", 200), absl::StatusCode::kResourceExhausted) << "scalars";
  EXPECT_EQ(code("topk(1, x{i='1'})", 99), absl::StatusCode::kResourceExhausted) << "heaps";
}

// A scalar has a value a step for as long as it is looked at.
TEST_F(EngineTest, BoundsScalarsThatAreHeld) {
  const auto code = [&](uint64_t max_samples) {
    const Engine engine = MakeEngine({.max_samples = max_samples});
    return engine.Range("t", "vector(1) * 2", 0, 99 * 10'000, 10'000).status().code();
  };
  EXPECT_EQ(code(350), absl::StatusCode::kOk);
  EXPECT_EQ(code(250), absl::StatusCode::kResourceExhausted);
}

// Series that hold one value each are not free.
TEST_F(EngineTest, BoundsTheMemoryOfSeriesAndLabels) {
  for (int i = 0; i < 100; ++i) Add({{"__name__", "x"}, {"i", std::to_string(i)}}, {1});
  for (const char* query : {"count(sort(x))", "count(label_replace(x, 'a', 'b', 'i', '.*'))",
                            "count(x + x)", "count(count_values by (i) ('v', x))"}) {
    EXPECT_TRUE(MakeEngine({.max_memory_bytes = 1 << 20}).Instant("t", query, 0).ok()) << query;
    EXPECT_EQ(MakeEngine({.max_memory_bytes = 10'000}).Instant("t", query, 0).status().code(),
              absl::StatusCode::kResourceExhausted)
        << query;
  }
}

// Each call doubles the value, to 2^40 bytes.
TEST_F(EngineTest, BoundsLabelsThatAreMade) {
  Add({{"__name__", "x"}, {"a", "1"}}, {1});
  std::string replaced = "x";
  std::string joined = "x";
  for (int i = 0; i < 40; ++i) {
    replaced.insert(0, "label_replace(").append(", 'a', '$1$1', 'a', '(.*)')");
    joined.insert(0, "label_join(").append(", 'a', '', 'a', 'a')");
  }
  for (const std::string& query : {replaced, joined}) {
    const absl::Status status = MakeEngine().Instant("t", query, 0).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("label \"a\" a value of more than"));
  }
  const std::string once = "label_join(x, 'b', '--------', 'a', 'a', 'a')";
  EXPECT_TRUE(MakeEngine().Instant("t", once, 0).ok());
  EXPECT_EQ(MakeEngine({.max_samples = 2}).Instant("t", once, 0).status().code(),
            absl::StatusCode::kResourceExhausted)
      << "text counts as what it takes";
}

// However many queries one runs, what they hold is given back.
TEST_F(EngineTest, GivesBackWhatItCharges) {
  for (int i = 0; i < 50; ++i) {
    Add({{"__name__", "x"}, {"i", std::to_string(i)}}, {1, 2, 3, 4});
  }
  const Engine engine = MakeEngine({.max_samples = 260});
  for (const char* query : {"sum(x)", "sum(x * 2 + 1)", "-sum(topk(1, sum by (i) (x)))",
                            "max(rate({__name__=~'x'}[1m]))", "sum(quantile(0.5, sort(x)))",
                            "count(count_values('v', x))", "max_over_time(sum(x)[30s:10s])",
                            "limitk(1, x) + on () sum(x)"}) {
    const auto result = engine.Instant("t", query, 30'000);
    EXPECT_TRUE(result.ok()) << query << ": " << result.status();
  }
}

TEST_F(EngineTest, BoundsMemory) {
  Add({{"__name__", "x"}}, std::vector<double>(1000, 1));
  const absl::Status own =
      MakeEngine({.max_memory_bytes = 10'000}).Instant("t", "x[1h]", 3'600'000).status();
  EXPECT_EQ(own.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(own.message()), HasSubstr("of 10000 allowed (query-max-memory)"));
  const absl::Status all =
      MakeEngine({.max_total_memory_bytes = 10'000}).Instant("t", "x[1h]", 3'600'000).status();
  EXPECT_EQ(all.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(all.message()), HasSubstr("of 10000 allowed (query-max-total-memory)"));
}

TEST_F(EngineTest, TakesTurns) {
  Add({{"__name__", "x"}}, {1});
  const Engine engine = MakeEngine({.max_concurrency = 0, .max_waiting = 0});
  EXPECT_EQ(engine.Instant("t", "x", 0).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(EngineTest, CallsForSeriesTakeNoTurnOfAQuery) {
  Add({{"__name__", "x"}}, {1});
  const Engine engine = MakeEngine({.max_concurrency = 1, .max_waiting = 0});
  const auto ask = [&](Engine::Ask todo) { return engine.AskStore("t", "x", 0, 0, {}, todo); };
  const absl::Status asked = ask([&](const store::CallLimits&) {
    EXPECT_TRUE(engine.Instant("t", "x", 0).ok());
    const absl::Status second = ask([](const store::CallLimits&) { return absl::OkStatus(); });
    EXPECT_EQ(second.code(), absl::StatusCode::kUnavailable);
    return absl::OkStatus();
  });
  EXPECT_TRUE(asked.ok()) << asked;
}

TEST_F(EngineTest, AnswersAreTheSameOnAnyNumberOfThreads) {
  for (int i = 0; i < 500; ++i) {
    Add({{"__name__", "x"}, {"i", std::to_string(i)}, {"g", std::to_string(i % 3)}},
        {0.1 * i, 0.3, 1.0 / (i + 1)});
  }
  for (const char* query : {"sum by (g) (x)", "avg(rate(x[1m]))", "topk(3, x)", "x * 2"}) {
    const auto one = MakeEngine({.threads = 1}).Range("t", query, 0, 20'000, 1'000);
    const auto many = MakeEngine({.threads = 5}).Range("t", query, 0, 20'000, 1'000);
    ASSERT_TRUE(one.ok() && many.ok());
    ASSERT_EQ(one->series.size(), many->series.size()) << query;
    for (size_t i = 0; i < one->series.size(); ++i) {
      EXPECT_EQ(one->series[i].labels, many->series[i].labels) << query;
      EXPECT_EQ(one->series[i].values, many->series[i].values) << query;
    }
  }
}

struct LookingAt {
  const char* query;
  std::vector<uint64_t> samples;  // that each step looks at
};

TEST_F(EngineTest, CountsWhatEachStepLooksAt) {
  Add({{"__name__", "x"}, {"i", "1"}}, {0, 1, 2, 3, 4, 5, 6});
  Add({{"__name__", "x"}, {"i", "2"}}, {0, 1, 2, model::StaleNan()});
  store::SeriesBlock native;
  native.labels = std::make_shared<const LabelSet>(LabelSet({{"__name__", "h"}}));
  for (int64_t ts_ms = 0; ts_ms <= 60'000; ts_ms += 10'000) {
    native.histogram_ts_ms.push_back(ts_ms);
    native.histograms.push_back(
        {.schema = 0, .count = 6, .positive = {{0, 2}, {1, 1}, {4, 3}}, .negative = {}});
  }
  store_.Add(std::move(native));
  // A histogram of three buckets in two runs is as large as 13 samples.
  const std::vector<LookingAt> cases = {
      {"1", {0, 0, 0, 0}},
      {"x", {2, 2, 1, 1}},
      {"timestamp(x)", {2, 2, 1, 1}},
      {"count(x)", {2, 2, 1, 1}},
      {"x + on(i) x offset 10s", {2, 4, 2, 2}},
      {"sum(rate(x[20s]))", {2, 4, 2, 2}},
      {"quantile_over_time(0.5, x[20s])", {2, 4, 2, 2}},
      {"rate(x[20s] anchored)", {2, 6, 3, 3}},
      {"absent_over_time(x[20s])", {2, 4, 2, 2}},
      {"x @ 40 + x", {3, 3, 2, 2}},
      {"sum_over_time(x[20s] @ 20)", {4, 4, 4, 4}},
      {"scalar(x{i='1'}) + vector(1)", {1, 1, 1, 1}},
      // Of a subquery what its steps gave.
      {"max_over_time(rate(x[20s])[20s:10s])", {0, 4, 2, 2}},
      {"max_over_time(x[20s:5s] @ 20)", {8, 8, 8, 8}},
      {"h", {13, 13, 13, 13}},
      {"histogram_count(h)", {13, 13, 13, 13}},
      {"rate(h[20s])", {13, 26, 26, 26}},
      {"sum(rate(h[20s]))", {13, 26, 26, 26}},
      {"count_over_time(h[20s])", {13, 26, 26, 26}},
  };
  for (const LookingAt& test : cases) {
    QueryStats stats;
    QueryOptions options;
    options.stats = &stats;
    const auto result = MakeEngine().Range("t", test.query, 0, 60'000, 20'000, options);
    ASSERT_TRUE(result.ok()) << test.query << ": " << result.status();
    EXPECT_EQ(stats.samples_looked_at, test.samples) << test.query;
    // As if each step were alone.
    for (size_t step = 0; step < test.samples.size(); ++step) {
      const auto ts_ms = static_cast<int64_t>(step) * 20'000;
      ASSERT_TRUE(MakeEngine().Instant("t", test.query, ts_ms, options).ok());
      EXPECT_THAT(stats.samples_looked_at, ElementsAre(test.samples[step])) << test.query;
    }
  }
  QueryStats stats;
  QueryOptions options;
  options.stats = &stats;
  ASSERT_TRUE(MakeEngine().Instant("t", "x[30s]", 30'000, options).ok());
  EXPECT_THAT(stats.samples_looked_at, ElementsAre(5));
  EXPECT_GE(stats.peak_samples, 5u);
  ASSERT_TRUE(MakeEngine().Instant("t", "rate(x[20s])[30s:10s]", 30'000, options).ok());
  EXPECT_THAT(stats.samples_looked_at, ElementsAre(11));
}

TEST_F(EngineTest, TellsHowManySamplesItHeld) {
  Add({{"__name__", "x"}}, std::vector<double>(100, 1));
  QueryStats stats;
  QueryOptions options;
  options.stats = &stats;
  ASSERT_TRUE(MakeEngine().Range("t", "sum(x)", 0, 990'000, 10'000, options).ok());
  ASSERT_GE(stats.peak_samples, 100u);
  // That is what max_samples bounds.
  EXPECT_TRUE(MakeEngine({.max_samples = stats.peak_samples})
                  .Range("t", "sum(x)", 0, 990'000, 10'000)
                  .ok());
  EXPECT_FALSE(MakeEngine({.max_samples = stats.peak_samples - 1})
                   .Range("t", "sum(x)", 0, 990'000, 10'000)
                   .ok());
}

TEST_F(EngineTest, Explains) {
  for (int i = 0; i < 3; ++i) Add({{"__name__", "x"}, {"i", std::to_string(i)}}, {1, 2, 3});
  const auto explained =
      MakeEngine().Explain("t", "sum by (g) (rate(x[1m])) + 1", 0, 20'000, 10'000);
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_EQ(explained->steps, 3u);
  EXPECT_EQ(explained->series, 1u);
  const ExplainedNode& sum = explained->root.children[0];
  EXPECT_EQ(sum.what, "aggregation");
  EXPECT_EQ(sum.series, 1u);
  const ExplainedNode& rate = sum.children[0];
  EXPECT_EQ(rate.text, "rate(x[1m])");
  EXPECT_EQ(rate.series, 3u);
  const ExplainedNode& selector = rate.children[0].children[0];
  EXPECT_THAT(selector.plan, ElementsAre("only the labels g", "for rate"));
  ASSERT_TRUE(selector.read.has_value());
  EXPECT_EQ(selector.read->counts.series, 3u);
  EXPECT_EQ(selector.read->end_ms, 20'000);
  EXPECT_TRUE(MakeEngine().Active("t").empty());
}

TEST_F(EngineTest, BoundsTime) {
  Add({{"__name__", "x"}}, {1, 2, 3});
  const auto result =
      MakeEngine().Instant("t", "sum(x)", 20'000, {.timeout = absl::ZeroDuration()});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(MakeEngine().Instant("t", "sum(x)", 20'000).ok());
}

// One series and many steps: seconds of work between its first sample and its last.
TEST_F(EngineTest, BoundsTimeWithinASeries) {
  Add({{"__name__", "x"}}, std::vector<double>(40'000, 1), 1);
  const auto ask = [&](const QueryOptions& options) {
    return MakeEngine()
        .Range("t", "quantile_over_time(0.5, x[40s])", 40'000, 50'000, 1, options)
        .status()
        .code();
  };
  EXPECT_EQ(ask({.timeout = absl::Milliseconds(50)}), absl::StatusCode::kDeadlineExceeded);
  std::atomic<bool> cancelled = true;
  EXPECT_EQ(ask({.cancelled = &cancelled}), absl::StatusCode::kCancelled);
}

TEST_F(EngineTest, LookbackCanBeChosen) {
  Add({{"__name__", "x"}}, {1});
  const Engine engine = MakeEngine({.lookback = absl::Minutes(1)});
  const auto series = [&](int64_t ts_ms, absl::Duration lookback) {
    return engine.Instant("t", "x", ts_ms, {.lookback = lookback})->series.size();
  };
  EXPECT_EQ(series(59'999, {}), 1u);
  EXPECT_EQ(series(60'000, {}), 0u);
  EXPECT_EQ(series(60'000, absl::Minutes(2)), 1u);
}

TEST_F(EngineTest, PassesTheStoresErrorsOn) {
  store_.FailWith(absl::DataLossError("window 3 is damaged"));
  for (const char* query : {"x", "sum(x)", "rate(x[1m])", "topk(1, x) + 1", "x[1m]"}) {
    EXPECT_EQ(MakeEngine().Instant("t", query, 0).status(),
              absl::DataLossError("window 3 is damaged"))
        << query;
  }
}

TEST_F(EngineTest, AsksAgainWhereTheStoreFoundDamage) {
  Add({{"__name__", "x"}}, {1});
  const Engine engine = MakeEngine();
  const auto damage = [this] { store_.FailWith(absl::DataLossError("window 3 is damaged"), 2); };
  damage();
  EXPECT_EQ(engine.Instant("t", "x", 0)->series.size(), 1u);
  damage();
  EXPECT_EQ(engine.Range("t", "x", 0, 1, 1)->series.size(), 1u);
  damage();
  EXPECT_EQ(engine.Explain("t", "x", 0, 0, 0)->series, 1u);
}

TEST_F(EngineTest, CountsAnswersUntilTheyGo) {
  const Engine engine = MakeEngine({.max_memory_bytes = 1000, .max_total_memory_bytes = 1500});
  auto one = engine.Hold(1000);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(engine.held_bytes(), 1000u);
  EXPECT_EQ(engine.Hold(1001).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(engine.Hold(501).status().code(), absl::StatusCode::kResourceExhausted);
  {
    const auto other = engine.Hold(500);
    EXPECT_TRUE(other.ok());
    EXPECT_EQ(engine.held_bytes(), 1500u);
  }
  *one = nullptr;
  EXPECT_EQ(engine.held_bytes(), 0u);
}

TEST_F(EngineTest, RefusesRangesThatAreNone) {
  EXPECT_EQ(MakeEngine().Range("t", "1", 10, 0, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MakeEngine().Range("t", "1", 0, 10, 0).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(EngineTest, LeavesOutHistogramsOfNoKnownSchema) {
  store::SeriesBlock series;
  series.labels = std::make_shared<const LabelSet>(LabelSet({{"__name__", "h"}}));
  series.histogram_ts_ms = {0, 10'000, 20'000};
  series.histograms = {{.schema = 100}, {.schema = 3}, {.schema = -54}};
  store_.Add(std::move(series));
  const auto result = MakeEngine().Instant("t", "h[1m]", 30'000);
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->series[0].histogram_ts_ms, ElementsAre(10'000));
  EXPECT_THAT(*result->annotations.warnings.begin(), HasSubstr("are left out: \"h\""));
}

// Nothing overflows at the ends of time.
TEST_F(EngineTest, SurvivesTheEndsOfTime) {
  Add({{"__name__", "x"}}, {1, 2, 3});
  constexpr int64_t kFar = 8'640'000'000'000'000;
  for (const int64_t ts_ms : {-kFar, kFar}) {
    for (const char* query : {"x offset 292y", "x offset -292y", "rate(x[292y] @ 9e15)",
                              "rate(x[292y] @ -9e15 offset 292y)", "x"}) {
      EXPECT_TRUE(MakeEngine().Instant("t", query, ts_ms).ok()) << query;
    }
  }
}

}  // namespace
}  // namespace leadline::collector::promql
