// A real Prometheus reads from us by remote read: its answers are those that it gives from its own
// store.
#include <cmath>
#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/promql/prometheus_server.h"
#include "tests/remote/answers.h"
#include "tests/remote/collector_under_test.h"

namespace leadline::collector::remotetest {
namespace {

class PrometheusReadTest : public testing::Test {
 protected:
  void SetUp() override {
    // Series that end before now, so that no answer depends on when it is asked for.
    end_ms_ = SystemClock().NowUnixMs() / 1000 * 1000 - 60'000;
    std::vector<model::SeriesDefinition> definitions;
    std::vector<store::SeriesBlock> blocks;
    for (int i = 0; i < 6; ++i) {
      const LabelSet residual = {{"pod", fmt::format("p{}", i)}, {"zone", i % 2 ? "a" : "b"}};
      definitions.push_back({.metric = i < 4 ? "m_total" : "other", .residual = residual});
      LabelSet labels = residual;
      labels.Set(kMetricName, definitions.back().metric);
      blocks.push_back({.labels = std::make_shared<const LabelSet>(std::move(labels))});
      for (int64_t t = 0; t < 400; ++t) {
        if ((t + i) % 50 == 0) continue;
        blocks.back().ts_ms.push_back(end_ms_ - (400 - t) * 5'003 - i);
        blocks.back().values.push_back(t % 97 == 3 ? model::StaleNan()
                                       : i == 3    ? std::sin(static_cast<double>(t))
                                                   : static_cast<double>(t * (i + 1) % 1000));
      }
    }
    Append(definitions, blocks);
    auto direct = promqltest::PrometheusServer::Start(LEADLINE_PROMETHEUS);
    ASSERT_TRUE(direct.ok()) << direct.status();
    direct_ = *std::move(direct);
    const absl::Status written = direct_->Write(blocks);
    ASSERT_TRUE(written.ok()) << written;
    auto through = promqltest::PrometheusServer::Start(
        LEADLINE_PROMETHEUS,
        {.config = fmt::format(
             "remote_read: [{{url: 'http://127.0.0.1:{}/api/v1/read', read_recent: true}}]\n",
             collector_.port())});
    ASSERT_TRUE(through.ok()) << through.status();
    through_ = *std::move(through);
  }

  void Append(const std::vector<model::SeriesDefinition>& definitions,
              const std::vector<store::SeriesBlock>& blocks) {
    store::WriteBatch batch;
    batch.series = *collector_.store().Resolve("default", definitions);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      for (size_t j = 0; j < blocks[i].ts_ms.size(); ++j) {
        batch.floats.push_back({blocks[i].ts_ms[j], {i}, {blocks[i].values[j]}});
      }
    }
    std::promise<absl::Status> durable;
    collector_.store().Append("default", std::move(batch),
                              [&](const absl::Status& status) { durable.set_value(status); });
    ASSERT_TRUE(durable.get_future().get().ok());
  }

  int64_t end_ms_ = 0;
  CollectorUnderTest collector_;
  std::unique_ptr<promqltest::PrometheusServer> direct_;
  std::unique_ptr<promqltest::PrometheusServer> through_;
};

TEST_F(PrometheusReadTest, ItAnswersAsFromItsOwnStore) {
  for (const char* selector : {"m_total", "other", R"({__name__=~".+"})", R"({zone="a"})",
                               R"({__name__=~"m.*",zone!="a"})", R"(m_total{pod=~"p[12]"})",
                               R"({__name__!="",pod!~"p1|p2"})", "nothing"}) {
    EXPECT_EQ(AllSamples(through_->port(), selector, end_ms_),
              AllSamples(direct_->port(), selector, end_ms_))
        << selector;
  }
  EXPECT_NE(AllSamples(through_->port(), "m_total", end_ms_), "");
  for (const char* query :
       {"sum by (zone) (rate(m_total[1m]))", "count_over_time(other[5m])", "m_total offset 3m",
        "max_over_time(m_total[10m:30s])", "quantile_over_time(0.5, {zone=\"b\"}[3m])"}) {
    const std::string target = fmt::format("/api/v1/query_range?query={}&start={}&end={}&step=15",
                                           promqltest::HttpClient(through_->port()).Encode(query),
                                           end_ms_ / 1000 - 1500, end_ms_ / 1000);
    const std::string theirs = Get(direct_->port(), target);
    EXPECT_EQ(Get(through_->port(), target), theirs) << query;
    EXPECT_NE(theirs.find("\"values\""), std::string::npos) << query << ": " << theirs;
  }
}

}  // namespace
}  // namespace leadline::collector::remotetest
