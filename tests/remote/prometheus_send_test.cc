// We write to a real Prometheus, which is killed and restarted, and so are we: what we have is what
// it answers.
#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "tests/promql/prometheus_server.h"
#include "tests/remote/answers.h"
#include "tests/remote/collector_under_test.h"

namespace leadline::collector::remotetest {
namespace {

using ::testing::HasSubstr;

class PrometheusSendTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = promqltest::PrometheusServer::Start(
        LEADLINE_PROMETHEUS,
        {.port = PortForRestarts(), .flags = {"--enable-feature=native-histograms"}});
    ASSERT_TRUE(started.ok()) << started.status();
    prometheus_ = *std::move(started);
    collector_ = std::make_unique<CollectorUnderTest>(
        fmt::format("http://127.0.0.1:{}/api/v1/write", prometheus_->port()));
  }

  // A round of samples of a counter, of an entity's gauge and of a native histogram, as of now.
  void AppendRound() {
    const int64_t now_ms = std::max(SystemClock().NowUnixMs(), last_ms_ + 1);
    last_ms_ = now_ms;
    ++rounds_;
    store::WriteBatch batch;
    const Id128 pod = HashId({"pod"});
    batch.entities.push_back({.id = pod, .labels = {{"pod", "p"}}, .start_ms = 1000});
    const auto handles = collector_->store().Resolve(
        "default", {{.metric = "sent_total", .residual = {{"job", "send"}, {"x", "\"ü"}}},
                    {.metric = "sent_gauge", .entity = pod, .residual = {{"job", "send"}}},
                    {.metric = "sent_seconds", .residual = {{"job", "send"}}}});
    ASSERT_TRUE(handles.ok()) << handles.status();
    batch.series = *handles;
    batch.floats.push_back({now_ms, {0, 1}, {rounds_ * 10.0, rounds_ / 3.0}});
    const auto n = static_cast<uint64_t>(rounds_);
    batch.histograms.push_back({now_ms,
                                {2},
                                {{.schema = 1,
                                  .zero_threshold = 0.01,
                                  .count = 3 * n,
                                  .sum = 0.1 * rounds_,
                                  .positive = {{-1, n}, {4, 2 * n}}}}});
    std::promise<absl::Status> durable;
    collector_->store().Append("default", std::move(batch),
                               [&](const absl::Status& status) { durable.set_value(status); });
    ASSERT_TRUE(durable.get_future().get().ok());
  }

  void AppendRounds(int count) {
    for (int i = 0; i < count; ++i) AppendRound();
  }

  void ExpectTheSame() {
    std::string theirs;
    std::string ours;
    const int64_t until_ms = last_ms_ + 1;
    EXPECT_TRUE(Eventually([&] {
      theirs = AllSamples(prometheus_->port(), R"({job="send"})", until_ms);
      ours = AllSamples(collector_->port(), R"({job="send"})", until_ms);
      return theirs == ours;
    })) << ours
        << "\n"
        << theirs;
    EXPECT_THAT(ours, HasSubstr(fmt::format("\"{}\"]", rounds_ * 10)));
    EXPECT_THAT(ours, HasSubstr("pod=\"p\""));
    EXPECT_THAT(ours, HasSubstr(" histograms "));
  }

  std::unique_ptr<promqltest::PrometheusServer> prometheus_;
  std::unique_ptr<CollectorUnderTest> collector_;
  int rounds_ = 0;
  int64_t last_ms_ = 0;
};

TEST_F(PrometheusSendTest, ItHasWhatWeHave) {
  AppendRounds(100);
  ExpectTheSame();
}

TEST_F(PrometheusSendTest, NothingIsLostOverRestartsOfEitherSide) {
  for (int i = 0; i < 3; ++i) {
    AppendRounds(20);
    prometheus_->Kill();
    AppendRounds(20);
    ASSERT_TRUE(collector_->store().Flush().ok());
    AppendRounds(20);
    collector_->Stop();
    collector_->Start();
    AppendRounds(20);
    const absl::Status restarted = prometheus_->Restart();
    ASSERT_TRUE(restarted.ok()) << restarted;
    AppendRounds(20);
    ExpectTheSame();
  }
}

}  // namespace
}  // namespace leadline::collector::remotetest
