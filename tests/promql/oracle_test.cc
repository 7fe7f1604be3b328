// The same queries on the same series, asked of our engine and of Prometheus' (promtool test
// rules), whose answers must be equal to the last bit.
//
// Debian's promtool is 2.42: it includes a range's left end, does not compensate sums, and goes
// back to where a counter was 0 even if that is further than half an interval. So times of queries
// lie between samples, only whole numbers are added up, and counters begin with 0 or high.
#include <stdlib.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/promql/engine.h"
#include "tests/promql/memory_queryable.h"
#include "tests/promql/oracle_series.h"
#include "tests/promql/script.h"

namespace leadline::collector::promqltest {
namespace {

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
    "irate(calls_total[1m])",
    "idelta(size_bytes[2m])",
    "delta(size_bytes[3m])",
    "round(deriv(size_bytes[5m]), 0.001)",
    "round(predict_linear(size_bytes[5m], 600))",
    "round(predict_linear(size_bytes[5m] offset 3m, -60))",
    "changes(calls_total[10m])",
    "resets(calls_total[10m])",
    "resets(size_bytes[3m] offset 1m)",
    "round(avg_over_time(size_bytes[7m]), 0.0007)",
    "min_over_time(size_bytes[3m])",
    "max_over_time(size_bytes{ns=\"1\"}[3m])",
    "sum_over_time(size_bytes[4m])",
    "count_over_time({__name__=\"size_bytes\"}[4m])",
    "last_over_time(size_bytes[4m])",
    "present_over_time(size_bytes[4m])",
    "round(stddev_over_time(size_bytes[4m]), 0.001)",
    "round(stdvar_over_time(size_bytes[4m]))",
    "quantile_over_time(0.5, size_bytes[5m])",
    "round(quantile_over_time(0.99, size_bytes[5m]), 0.001)",
    "quantile_over_time(2, size_bytes[5m])",
    "absent_over_time(size_bytes{ns=\"0\",pod=~\"p1\"}[1m])",
    "absent_over_time(size_bytes{ns=\"0\"}[1m])",
    "absent(size_bytes{ns=\"7\"})",
    "absent(calls_total{pod=\"p0\"})",
    "absent((size_bytes{ns=\"7\"}))",
    "absent_over_time((size_bytes{ns=\"7\"}[1m]))",
    "scalar(calls_total{pod=\"p0\"}) + 1",
    "scalar(calls_total)",
    "vector(time())",
    "time() - 7",
    "size_bytes - scalar(max(size_bytes))",
    "timestamp(size_bytes)",
    "timestamp(-size_bytes)",
    "clamp(size_bytes, -100, 10000)",
    "clamp_min(size_bytes, 5)",
    "clamp_max(size_bytes, time())",
    "abs(size_bytes)",
    "ceil(size_bytes / 7)",
    "floor(size_bytes / 7)",
    "round(size_bytes / 7)",
    "round(size_bytes, 1000)",
    "sgn(size_bytes)",
    "round(exp(size_bytes / 100000), 0.001)",
    "round(ln(size_bytes), 0.001)",
    "round(log2(abs(size_bytes)), 0.001)",
    "round(log10(abs(size_bytes)), 0.001)",
    "sqrt(size_bytes)",
    "round(sin(size_bytes) + cos(size_bytes) * tan(size_bytes), 0.001)",
    "round(atan(size_bytes) + asinh(size_bytes) + tanh(size_bytes), 0.001)",
    "round(asin(size_bytes / 50000) + acos(size_bytes / 50000), 0.001)",
    "round(sinh(size_bytes / 50000) + cosh(size_bytes / 50000), 0.001)",
    "round(acosh(size_bytes) + atanh(size_bytes / 50001), 0.001)",
    "round(deg(size_bytes) - rad(size_bytes), 0.001)",
    "day_of_week() + hour(vector(time())) * 100 + minute() * 1000",
    "year(calls_total * 1000) + month(calls_total * 1000) * 10000",
    "day_of_month(calls_total * 1e5) + days_in_month(calls_total * 1e5) * 100",
    "day_of_year(size_bytes * 1e5)",
    "pi() * 2",
    "label_replace(size_bytes, \"app\", \"$1-${1}x\", \"pod\", \"p(.)(.*)\")",
    "label_replace(size_bytes, \"ns\", \"\", \"nosuch\", \"\")",
    "label_join(size_bytes, \"both\", \"/\", \"ns\", \"pod\", \"nosuch\")",
    "sum by (n) (label_replace(size_bytes, \"n\", \"$1\", \"pod\", \"p(.).*\"))",
    "sort(size_bytes)",
    "sort_desc(sum by (ns) (size_bytes))",
    "group by (ns) (size_bytes)",
    "round(stddev by (ns) (size_bytes), 0.001)",
    "round(stdvar(size_bytes), 0.7)",
    "quantile by (ns) (0.5, size_bytes)",
    "round(quantile(0.9, size_bytes), 0.001)",
    "quantile(-1, size_bytes)",
    "count_values(\"v\", floor(size_bytes / 10000))",
    "count_values by (ns) (\"v\", size_bytes / 8)",
    "count_values without (pod) (\"pod\", calls_total > 100000)",
    "count without (ns) (size_bytes > 0)",
    "topk(2, rate(calls_total[5m])) * 0",
    "max_over_time(sum by (ns) (size_bytes)[5m:30s])",
    "sum_over_time(size_bytes[5m:40s] offset 1m)",
    "count_over_time(rate(calls_total[55s])[10m:1m])",
    "increase(calls_total[3m:20s])",
    "round(histogram_quantile(0.9, bucket), 0.001)",
    "round(histogram_quantile(0.5, rate(bucket[5m])), 0.001)",
    "round(histogram_quantile(0.25, sum by (le) (increase(bucket[5m]))), 0.001)",
    "histogram_quantile(1, bucket)",
    "histogram_quantile(0, bucket)",
    "histogram_quantile(-1, bucket)",
    "histogram_quantile(0.5, bucket{le!=\"+Inf\"})",
};

std::string YamlOf(const std::vector<LoadedSeries>& series) {
  std::string yaml =
      fmt::format("evaluation_interval: {0}s\ntests:\n- interval: {0}s\n  input_series:\n",
                  kOracleIntervalSeconds);
  for (const LoadedSeries& one : series) {
    yaml += fmt::format("  - series: '{}'\n    values: '{}'\n", one.text, one.values);
  }
  return yaml + "  promql_expr_test:\n";
}

std::string YamlOf(double value) {
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  return fmt::format("{:.17g}", value);
}

// For promtool no NaN is equal to another: series of NaN are filtered away on both sides.
std::string ExpectationOf(std::string query, int seconds, const promql::QueryResult& result) {
  if (result.type == promql::QueryResult::Type::kScalar) query = "vector(" + query + ")";
  std::string samples;
  bool has_nan = false;
  const auto add = [&](const LabelSet& labels, double value) {
    has_nan = has_nan || std::isnan(value);
    if (std::isnan(value)) return;
    samples +=
        fmt::format("    - labels: '{}'\n      value: {}\n", labels.ToString(), YamlOf(value));
  };
  if (result.type == promql::QueryResult::Type::kScalar) add({}, result.scalar);
  for (const promql::ResultSeries& series : result.series) add(series.labels, series.values.at(0));
  if (has_nan) query = fmt::format("({0}) == ({0})", query);
  return fmt::format("  - expr: '{}'\n    eval_time: {}s\n    exp_samples:\n", query, seconds) +
         samples;
}

TEST(Oracle, PrometheusAgrees) {
  const LoadCommand load = OracleSeries();
  MemoryQueryable store;
  ASSERT_TRUE(LoadInto(store, load).ok());
  const promql::Engine engine(store, {});
  std::string yaml = YamlOf(load.series);
  int with_series = 0;
  for (const char* query : kQueries) {
    for (int seconds = 35; seconds < kOracleSamples * kOracleIntervalSeconds + 400;
         seconds += 130) {
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
