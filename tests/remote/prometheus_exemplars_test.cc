// A real Prometheus sends us the exemplars that it scraped: both answer the same of them.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/promql/prometheus_server.h"
#include "tests/remote/answers.h"
#include "tests/remote/collector_under_test.h"
#include "tests/remote/scrape_target.h"

namespace leadline::collector::remotetest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// In OpenMetrics' format, with other exemplars each time.
std::string Metrics(int n) {
  const double now = static_cast<double>(SystemClock().NowUnixMs()) / 1000;
  return fmt::format(
      "# TYPE hits counter\n"
      "hits_total{{code=\"200\"}} {} # {{trace_id=\"t{}\",name=\"größe\\\"x\"}} 0.5\n"
      "hits_total{{code=\"500\"}} {}\n"
      "# TYPE took_seconds histogram\n"
      "took_seconds_bucket{{le=\"0.1\"}} {} # {{trace_id=\"a{}\",span_id=\"s\"}} 0.0625 {:.3f}\n"
      "took_seconds_bucket{{le=\"1.0\"}} {} # {{trace_id=\"the same\"}} 0.9 {:.3f}\n"
      "took_seconds_bucket{{le=\"+Inf\"}} {} # {{}} 1e+06\n"
      "took_seconds_sum {}\ntook_seconds_count {}\n"
      "# EOF\n",
      n, n, n, n, n, now, 2 * n, now - now / 1e9, 3 * n, n * 0.3, 3 * n);
}

TEST(PrometheusExemplars, WeAnswerThoseThatItScraped) {
  ScrapeTarget target("application/openmetrics-text; version=1.0.0; charset=utf-8", Metrics);
  CollectorUnderTest collector;
  auto started = promqltest::PrometheusServer::Start(
      LEADLINE_PROMETHEUS,
      {.config = fmt::format("global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\n"
                             "scrape_configs:\n"
                             "- job_name: test\n"
                             "  static_configs: [{{targets: ['127.0.0.1:{}']}}]\n"
                             "remote_write:\n"
                             "- url: http://127.0.0.1:{}/api/v1/write\n"
                             "  send_exemplars: true\n"
                             "  queue_config: {{batch_send_deadline: 100ms}}\n",
                             target.port(), collector.port()),
       .flags = {"--enable-feature=exemplar-storage"}});
  ASSERT_TRUE(started.ok()) << started.status();
  const uint16_t prometheus = (*started)->port();
  const auto await_scrapes = [&](int count) {
    const int until = target.scrapes() + count;
    return Eventually([&] { return target.scrapes() >= until; });
  };
  // It sends on what it scrapes from when its queue has begun.
  ASSERT_TRUE(await_scrapes(10));
  const int64_t start_ms = SystemClock().NowUnixMs();
  ASSERT_TRUE(await_scrapes(20));
  const int64_t end_ms = SystemClock().NowUnixMs();
  const auto ask = [&](uint16_t port, const std::string& query) {
    return Get(port, fmt::format("/api/v1/query_exemplars?query={}&start={}&end={}", query,
                                 static_cast<double>(start_ms) / 1000,
                                 static_cast<double>(end_ms) / 1000));
  };
  for (const char* query : {"%7Bjob=%22test%22%7D", "rate(hits_total%5B5m%5D)",
                            "hits_total%2Btook_seconds_bucket%7Ble=%220.1%22%7D"}) {
    std::string theirs;
    std::string ours;
    const bool same = Eventually(
        [&] {
          theirs = ask(prometheus, query);
          ours = ask(collector.port(), query);
          return theirs == ours;
        },
        absl::Seconds(30));
    EXPECT_TRUE(same) << query;
    if (!same) {
      EXPECT_EQ(ours, theirs);
    }
    EXPECT_THAT(ours, HasSubstr(R"("__name__":"hits_total")"));
    EXPECT_THAT(ours, Not(HasSubstr(R"("code":"500")")));
  }
  const std::string before = ask(collector.port(), "%7Bjob=%22test%22%7D");
  collector.Stop();
  collector.Start();
  EXPECT_EQ(ask(collector.port(), "%7Bjob=%22test%22%7D"), before);
}

}  // namespace
}  // namespace leadline::collector::remotetest
