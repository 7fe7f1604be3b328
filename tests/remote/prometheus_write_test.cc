// A real Prometheus writes to us: what it scraped is what we answer.
#include <cmath>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/remote/encode/series.h"
#include "collector/remote/wire/snappy.h"
#include "collector/remote/wire/writer.h"
#include "common/clock.h"
#include "tests/promql/prometheus_server.h"
#include "tests/remote/answers.h"
#include "tests/remote/collector_under_test.h"
#include "tests/remote/scrape_target.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::remotetest {
namespace {

using ::testing::HasSubstr;
namespace encode = remote::encode;
namespace wire = remote::wire;

// Figures that are others each time.
std::string Metrics(int n) {
  std::string text = fmt::format(
      "# HELP requests_total How many \"requests\".\n# TYPE requests_total counter\n"
      "requests_total{{code=\"200\",path=\"/ünï\\\\\\\"x\\n\"}} {}\nrequests_total {}\n"
      "# TYPE temperature gauge\ntemperature {}\n"
      "# HELP took_seconds Time.\n# TYPE took_seconds histogram\n"
      "took_seconds_bucket{{le=\"0.1\"}} {}\ntook_seconds_bucket{{le=\"+Inf\"}} {}\n"
      "took_seconds_sum {}\ntook_seconds_count {}\n"
      "# TYPE odd gauge\nodd {}\n",
      n * 10, n, 20 + std::sin(n), n, 2 * n, n * 0.3, 2 * n,
      n % 3 == 0   ? "NaN"
      : n % 3 == 1 ? "+Inf"
                   : "-Inf");
  // A series that comes and goes leaves staleness markers.
  if (n % 4 < 2) text += fmt::format("sometimes{{n=\"x\"}} {}\n", n);
  return text;
}

// `rules`: the name of a file of them.
std::string Config(uint16_t target, uint16_t collector, const std::string& rules) {
  return fmt::format(
      "global: {{scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 200ms}}\n"
      "rule_files: ['{}']\n"
      "scrape_configs:\n"
      "- job_name: test\n"
      "  static_configs: [{{targets: ['127.0.0.1:{}']}}]\n"
      "remote_write:\n"
      "- url: http://127.0.0.1:{}/api/v1/write\n"
      "  send_native_histograms: true\n"
      "  queue_config: {{batch_send_deadline: 100ms, min_backoff: 30ms, max_backoff: 200ms,\n"
      "                  retry_on_http_429: true}}\n"
      "  metadata_config: {{send_interval: 200ms}}\n",
      rules, target, collector);
}

class PrometheusWriteTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& flags = {}) {
    auto started = promqltest::PrometheusServer::Start(
        LEADLINE_PROMETHEUS,
        {.config = Config(target_.port(), collector_.port(), dir_.File("rules.yml")),
         .flags = flags});
    ASSERT_TRUE(started.ok()) << started.status();
    prometheus_ = *std::move(started);
  }

  void AwaitScrapes(int count) {
    const int until = target_.scrapes() + count;
    ASSERT_TRUE(Eventually([&] { return target_.scrapes() >= until; }));
  }

  // Both give the same samples up to now, after a while.
  void ExpectTheSame(const std::string& selector, int64_t until_ms = SystemClock().NowUnixMs()) {
    std::string theirs;
    std::string ours;
    const bool same = Eventually(
        [&] {
          theirs = AllSamples(prometheus_->port(), selector, until_ms);
          ours = AllSamples(collector_.port(), selector, until_ms);
          return theirs == ours && !theirs.empty();
        },
        absl::Seconds(30));
    EXPECT_TRUE(same);
    if (!same) {
      EXPECT_EQ(ours, theirs);
    }
  }

  // One of our counters, all of its label sets that have this text together.
  double Counted(const std::string& name, const std::string& labels) {
    double sum = 0;
    const std::string text = Get(collector_.port(), "/metrics");
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      double value = 0;
      if (!absl::StartsWith(line, name) || !absl::StrContains(line, labels)) continue;
      if (absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value)) sum += value;
    }
    return sum;
  }

  // Gives it histograms of a series of the job "native".
  void GiveHistograms(const std::string& metric,
                      const std::vector<std::pair<int64_t, model::NativeHistogram>>& histograms) {
    std::string series;
    encode::AppendLabels(1, {{"__name__", metric}, {"job", "native"}}, series);
    for (const auto& [ts_ms, histogram] : histograms) {
      encode::AppendHistogram(4, ts_ms, histogram, series);
    }
    std::string request;
    wire::AppendBytes(1, series, request);
    std::string packed;
    wire::CompressSnappy(request, packed);
    const auto answer =
        promqltest::HttpClient(prometheus_->port())
            .Send("POST", "/api/v1/write",
                  {"Content-Encoding: snappy", "Content-Type: application/x-protobuf",
                   "X-Prometheus-Remote-Write-Version: 0.1.0"},
                  packed);
    ASSERT_TRUE(answer.ok()) << answer.status();
    ASSERT_EQ(answer->status / 100, 2) << answer->body;
  }

  store::TempDir dir_;
  ScrapeTarget target_{"text/plain; version=0.0.4", Metrics};
  CollectorUnderTest collector_;
  std::unique_ptr<promqltest::PrometheusServer> prometheus_;
};

TEST_F(PrometheusWriteTest, WeAnswerWhatItScraped) {
  Start();
  AwaitScrapes(20);
  ExpectTheSame(R"({job="test"})");
  const std::string samples =
      AllSamples(collector_.port(), R"({job="test"})", SystemClock().NowUnixMs());
  for (const char* metric : {"requests_total", "took_seconds_bucket", "odd", "sometimes", "up",
                             "scrape_samples_scraped"}) {
    EXPECT_THAT(samples, HasSubstr(fmt::format("__name__=\"{}\"", metric)));
  }
  EXPECT_TRUE(Eventually([&] {
    const std::string metadata = Get(collector_.port(), "/api/v1/metadata?metric=requests_total");
    return metadata.find(R"("type":"counter","help":"How many \"requests\".","unit":"")") !=
           std::string::npos;
  })) << Get(collector_.port(), "/api/v1/metadata?metric=requests_total");
}

TEST_F(PrometheusWriteTest, NothingIsLostWhereWeAreAwayForAWhile) {
  Start();
  for (int i = 0; i < 3; ++i) {
    AwaitScrapes(5);
    collector_.Stop();
    AwaitScrapes(5);
    collector_.Start();
  }
  AwaitScrapes(5);
  ExpectTheSame(R"({job="test"})");
}

// It waits as it is told and sends all again, until it may.
TEST_F(PrometheusWriteTest, NothingIsLostOverTheRateOfSamples) {
  collector_.Stop();
  collector_.SetLimits({.max_samples_a_second = 20});
  collector_.Start();
  Start();
  // The samples are counted as they are refused, the request as it is answered.
  ASSERT_TRUE(Eventually([&] {
    return Counted("leadline_collector_refused_samples_total", R"(reason="sample_rate")") > 0 &&
           Counted("leadline_collector_remote_failed_requests_total", R"(reason="rate")") > 0;
  }));
  AwaitScrapes(10);
  collector_.Stop();
  collector_.SetLimits({});
  collector_.Start();
  AwaitScrapes(5);
  ExpectTheSame(R"({job="test"})");
}

TEST_F(PrometheusWriteTest, OneSeriesOverALimitKeepsNoOtherOut) {
  collector_.Stop();
  collector_.SetLimits({.max_metric_bytes = 20});
  collector_.Start();
  Start();
  AwaitScrapes(10);
  ExpectTheSame(R"({job="test", __name__!~".{21,}"})");
  EXPECT_EQ(AllSamples(collector_.port(), "scrape_duration_seconds", SystemClock().NowUnixMs()),
            "");
  EXPECT_GT(Counted("leadline_collector_refused_series_total", R"(reason="metric_name")"), 0);
  EXPECT_GT(Counted("leadline_collector_refused_samples_total", R"(reason="of_no_series")"), 0);
  EXPECT_GT(Counted("leadline_collector_remote_rejected_samples_total", R"(reason="limit")"), 0);
}

// Native histograms that Prometheus was given go on to us.
TEST_F(PrometheusWriteTest, WeAnswerItsNativeHistograms) {
  Start({"--enable-feature=native-histograms"});
  // It sends on what is newer than its start.
  const int64_t now_ms = SystemClock().NowUnixMs() + 1000;
  std::vector<std::pair<int64_t, model::NativeHistogram>> whole;
  std::vector<std::pair<int64_t, model::NativeHistogram>> floats;
  for (int i = 1; i <= 10; ++i) {
    const auto n = static_cast<uint64_t>(i);
    whole.push_back({now_ms + i * 100,
                     {.schema = 2,
                      .zero_threshold = 0.001,
                      .zero_count = n,
                      .count = 7 * n,
                      .sum = 1.5 * i,
                      .positive = {{-3, n}, {0, 2 * n}, {10, n}},
                      .negative = {{1, 2 * n}}}});
    floats.push_back({now_ms + i * 100,
                      {.schema = 2,
                       .reset_hint = model::ResetHint::kGauge,
                       .float_counts = true,
                       .count = model::FloatCount(2 * i),  // 2.42 has no bucket above the count
                       .sum = 1.5 * i,
                       .positive = {{-3, model::FloatCount(i / 7.0)}, {9, model::FloatCount(i)}},
                       .negative = {{1, model::FloatCount(1e-9)}}}});
  }
  GiveHistograms("native", whole);
  GiveHistograms("fractions", floats);
  // Asked for whole counts behind floats in one query 2.42 gives the last of the floats for them.
  ExpectTheSame("native", now_ms + 1000);
  ExpectTheSame("fractions", now_ms + 1000);
  const std::string samples = AllSamples(collector_.port(), "native", now_ms + 1000);
  EXPECT_THAT(samples, HasSubstr("\"count\":\"7\""));
  EXPECT_THAT(samples, HasSubstr("\"count\":\"70\""));
  EXPECT_THAT(AllSamples(collector_.port(), "fractions", now_ms + 1000),
              HasSubstr("\"0.142857142857\""));
}

// What its rules make of native histograms goes on to us as histograms of fractions.
TEST_F(PrometheusWriteTest, WeAnswerTheRatesThatItsRulesRecord) {
  std::ofstream(dir_.File("rules.yml"))
      << "groups:\n- name: g\n  rules:\n"
         "  - {record: 'native:rate1m', expr: 'sum by (job) (rate(native[1m]))'}\n"
         "  - {record: 'native:sum', expr: 'sum by (job) (native)'}\n";
  Start({"--enable-feature=native-histograms"});
  const int64_t now_ms = SystemClock().NowUnixMs();
  std::vector<std::pair<int64_t, model::NativeHistogram>> whole;
  for (int i = 1; i <= 10; ++i) {
    const auto n = static_cast<uint64_t>(i);
    whole.push_back(
        {now_ms - 20'000 + i * 1'000, {.count = 7 * n, .sum = 1.5 * i, .positive = {{-3, 7 * n}}}});
  }
  GiveHistograms("native", whole);
  const std::string rates = R"({__name__=~"native:.*"})";
  const auto recorded = [&] {
    return AllSamples(prometheus_->port(), rates, SystemClock().NowUnixMs());
  };
  ASSERT_TRUE(Eventually([&] {
    const std::string samples = recorded();
    return samples.find("native:rate1m") != std::string::npos &&
           samples.find("native:sum") != std::string::npos;
  })) << recorded();
  ExpectTheSame(rates);
  const std::string ours = AllSamples(collector_.port(), rates, SystemClock().NowUnixMs());
  EXPECT_THAT(ours, HasSubstr("native:rate1m"));
  EXPECT_THAT(ours, HasSubstr("native:sum"));
}

}  // namespace
}  // namespace leadline::collector::remotetest
