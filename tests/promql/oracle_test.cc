// The same queries on the same series, asked of our engine and of Prometheus' (promtool test
// rules), whose answers must be equal to the last bit.
//
// Debian's promtool is 2.42: it includes a range's left end, does not compensate sums, and goes
// back to where a counter was 0 even if that is further than half an interval. So times of queries
// lie between samples, only whole numbers are added up, and counters begin with 0 or high.
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/promql/engine.h"
#include "tests/promql/memory_queryable.h"
#include "tests/promql/script.h"

namespace leadline::collector::promqltest {
namespace {

constexpr int kIntervalSeconds = 10;
constexpr int kSamples = 200;

// Counters (with resets, gaps and ends) and gauges, the same at every run.
std::vector<LoadedSeries> MakeSeries() {
  std::mt19937 random(7);
  const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
  std::vector<LoadedSeries> all;
  for (int i = 0; i < 40; ++i) {
    const bool counter = i % 2 == 0;
    LoadedSeries& series = all.emplace_back();
    series.text = fmt::format("{}{{ns=\"{}\",pod=\"p{}\"}}", counter ? "calls_total" : "size_bytes",
                              i % 3, i);
    const int begin = i % 5 == 0 ? 0 : static_cast<int>(random() % 50);
    const int end = chance(50) ? kSamples : 100 + static_cast<int>(random() % 100);
    int64_t value = begin == 0 ? 0 : 100'000;
    bool begun = false;
    for (int step = 0; step < kSamples; ++step) {
      if (step < begin || step > end || chance(5)) {
        series.values += "_ ";
        continue;
      }
      if (step == end) {
        series.values += "stale ";
        continue;
      }
      if (!begun) {
        begun = true;
      } else if (counter) {
        value = chance(2) ? 100'000 : value + static_cast<int>(random() % 1000);
      } else {
        value = static_cast<int>(random() % 100'000) - 50'000;
      }
      series.values += fmt::format("{} ", value);
    }
  }
  return all;
}

constexpr const char* kQueries[] = {
    "calls_total",
    "size_bytes offset 1m",
    "size_bytes{pod=~\"p[1-9]\"} @ 777",
    "rate(calls_total[1m])",
    "rate(calls_total[5m] offset 2m)",
    "increase(calls_total[90s])",
    "increase(calls_total[10m])",
    "increase(calls_total{ns!=\"1\"}[30m])",
    "rate(size_bytes[3m])",
    "sum(size_bytes)",
    "sum by (ns) (size_bytes)",
    "sum without (pod) ({__name__=~\".+\"})",
    "count by (ns) (calls_total)",
    "min by (ns) (size_bytes)",
    "max(size_bytes)",
    "topk(3, size_bytes)",
    "bottomk by (ns) (2, size_bytes)",
    "topk by (ns) (1, rate(calls_total[2m]))",
    "max by (ns) (increase(calls_total[7m])) * 2 - 1",
    "-size_bytes % 7",
    "size_bytes / 1000 ^ 2",
    "100 - size_bytes",
    "count(rate(calls_total[1m]))",
    "2 ^ 3 ^ 2 - 7 % 4",
    "sum(size_bytes) + 0x10",
    "size_bytes > 0",
    "0 >= size_bytes",
    "size_bytes < bool 100",
    "7 != bool size_bytes",
    "size_bytes == size_bytes",
    "size_bytes - ignoring(pod) group_left sum by (ns) (size_bytes)",
    "sum by (ns) (size_bytes) * on(ns) group_right max by (ns, pod) (calls_total)",
    "size_bytes > on(ns) group_left avg by (ns) (size_bytes)",
    "sum by (ns) (size_bytes) > on(ns) group_right size_bytes",
    "sum by (ns) (size_bytes) < bool on(ns) sum by (ns) (calls_total)",
    "sum by (ns) (size_bytes) / count by (ns) (size_bytes > 0)",
    "size_bytes * on(pod, ns) size_bytes offset 5m",
    "size_bytes unless size_bytes offset 3m",
    "size_bytes and (size_bytes offset 7m > 0)",
    "size_bytes offset 7m or size_bytes",
    "(size_bytes > 10000) or on(ns) (size_bytes < 0)",
    "calls_total unless on(ns) topk(1, size_bytes)",
    "calls_total and on(ns) bottomk(2, size_bytes)",
    "max by (ns) (size_bytes) % -(min by (ns) (size_bytes))",
    "topk by (ns) (1, size_bytes) * on(ns) group_left(pod) topk by (ns) (1, calls_total)",
};

std::string YamlOf(const std::vector<LoadedSeries>& series) {
  std::string yaml = fmt::format(
      "evaluation_interval: {0}s\ntests:\n- interval: {0}s\n  input_series:\n", kIntervalSeconds);
  for (const LoadedSeries& one : series) {
    yaml += fmt::format("  - series: '{}'\n    values: '{}'\n", one.text, one.values);
  }
  return yaml + "  promql_expr_test:\n";
}

std::string ExpectationOf(const std::string& query, int seconds,
                          const promql::QueryResult& result) {
  std::string yaml =
      fmt::format("  - expr: '{}'\n    eval_time: {}s\n    exp_samples:\n", query, seconds);
  if (result.type == promql::QueryResult::Type::kScalar) {
    return yaml + fmt::format("    - labels: '{{}}'\n      value: {:.17g}\n", result.scalar);
  }
  for (const promql::ResultSeries& series : result.series) {
    yaml += fmt::format("    - labels: '{}'\n      value: {:.17g}\n", series.labels.ToString(),
                        series.values.at(0));
  }
  return yaml;
}

TEST(Oracle, PrometheusAgrees) {
  const LoadCommand load{.interval_ms = kIntervalSeconds * 1000,
                         .entity_end_ms = model::kOpenEnd,
                         .series = MakeSeries()};
  MemoryQueryable store;
  ASSERT_TRUE(LoadInto(store, load).ok());
  const promql::Engine engine(store, {});
  std::string yaml = YamlOf(load.series);
  int with_series = 0;
  for (const char* query : kQueries) {
    for (int seconds = 35; seconds < kSamples * kIntervalSeconds + 400; seconds += 130) {
      const auto result = engine.Instant("t", query, int64_t{seconds} * 1000);
      ASSERT_TRUE(result.ok()) << query << ": " << result.status();
      with_series += result->series.empty() ? 0 : 1;
      yaml += ExpectationOf(query, seconds, *result);
    }
  }
  EXPECT_GT(with_series, 300);  // the comparison is about something

  char folder[] = "/tmp/leadline-oracle-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string file = std::string(folder) + "/tests.yml";
  std::ofstream(file) << yaml;
  FILE* const promtool = popen((LEADLINE_PROMTOOL " test rules " + file + " 2>&1").c_str(), "r");
  ASSERT_NE(promtool, nullptr);
  std::string output;
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof(buffer), promtool)) > 0;) output.append(buffer, n);
  const int status = pclose(promtool);
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << output.substr(0, 20'000);
}

}  // namespace
}  // namespace leadline::collector::promqltest
