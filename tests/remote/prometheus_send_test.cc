// We write to a real Prometheus, which is killed and restarted, and so are we: what we have is what
// it answers.
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/rules/rule_manager.h"
#include "common/clock.h"
#include "tests/promql/prometheus_server.h"
#include "tests/remote/answers.h"
#include "tests/remote/collector_under_test.h"
#include "tests/unit/collector/store/temp_dir.h"

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

  // A round of samples of a counter, of an entity's gauge and of native histograms, as of now.
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
                    {.metric = "sent_seconds", .residual = {{"job", "send"}}},
                    {.metric = "sent_seconds:rate", .residual = {{"job", "send"}}}});
    ASSERT_TRUE(handles.ok()) << handles.status();
    batch.series = *handles;
    batch.floats.push_back({now_ms, {0, 1}, {rounds_ * 10.0, rounds_ / 3.0}});
    const auto n = static_cast<uint64_t>(rounds_);
    const double fraction = rounds_ / 3.0;
    batch.histograms.push_back({now_ms,
                                {2, 3},
                                {{.schema = 1,
                                  .zero_threshold = 0.01,
                                  .count = 3 * n,
                                  .sum = 0.1 * rounds_,
                                  .positive = {{-1, n}, {4, 2 * n}}},
                                 {.schema = 1,
                                  .reset_hint = model::ResetHint::kGauge,
                                  .float_counts = true,
                                  .zero_threshold = 0.01,
                                  .zero_count = model::FloatCount(fraction / 2),
                                  .count = model::FloatCount(fraction * 2),
                                  .sum = 0.1 * rounds_,
                                  .positive = {{-1, model::FloatCount(fraction)}},
                                  .negative = {{3, model::FloatCount(fraction / 2)}}}}});
    Append(std::move(batch));
  }

  void Append(store::WriteBatch batch) {
    std::promise<absl::Status> durable;
    collector_->store().Append("default", std::move(batch),
                               [&](const absl::Status& status) { durable.set_value(status); });
    ASSERT_TRUE(durable.get_future().get().ok());
  }

  void AppendRounds(int count) {
    for (int i = 0; i < count; ++i) AppendRound();
  }

  // What both have up to the last sample, when it is the same.
  std::string ExpectTheSame() {
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
    return ours;
  }

  void ExpectAllRounds() {
    const std::string samples = ExpectTheSame();
    EXPECT_THAT(samples, HasSubstr(fmt::format("\"{}\"]", rounds_ * 10)));
    EXPECT_THAT(samples, HasSubstr("pod=\"p\""));
    EXPECT_THAT(samples, HasSubstr(" histograms "));
  }

  std::unique_ptr<promqltest::PrometheusServer> prometheus_;
  std::unique_ptr<CollectorUnderTest> collector_;
  int rounds_ = 0;
  int64_t last_ms_ = 0;
};

TEST_F(PrometheusSendTest, ItHasWhatWeHave) {
  AppendRounds(100);
  ExpectAllRounds();
}

// A rule's rate of histograms: the same as what Prometheus makes of the same samples, and it has
// what the rule recorded. No sample is where a range begins, and counts are far from 0, since 2.42
// has closed ranges and does not look at where a histogram's count would be 0; nor does it divide
// histograms.
TEST_F(PrometheusSendTest, ItHasTheRatesThatRulesRecordOfHistograms) {
  constexpr int64_t kMinuteMs = 60'000;
  ManualClock clock((SystemClock().NowUnixMs() / kMinuteMs - 1) * kMinuteMs);
  const auto handles = collector_->store().Resolve(
      "default", {{.metric = "h", .residual = {{"job", "send"}, {"x", "1"}}},
                  {.metric = "h", .residual = {{"job", "send"}, {"x", "2"}}}});
  ASSERT_TRUE(handles.ok()) << handles.status();
  store::WriteBatch batch;
  batch.series = *handles;
  for (int64_t i = 0; i < 70; ++i) {
    const auto n = static_cast<uint64_t>(i);
    model::NativeHistogram fine{.schema = 2,
                                .zero_threshold = 0.01,
                                .zero_count = n,
                                .count = 2'000 + 4 * n,
                                .sum = 0.25 * static_cast<double>(i),
                                .positive = {{-1, 1'000 + n}, {4, 1'000 + 2 * n}}};
    model::NativeHistogram coarse = fine;
    coarse.schema = 1;
    if (i >= 40) {  // it was reset
      coarse.positive = {{2, n - 30}};
      coarse.count = coarse.zero_count + n - 30;
    }
    batch.histograms.push_back(
        {clock.NowUnixMs() - 10 * kMinuteMs + 10'007 * i, {0, 1}, {fine, coarse}});
  }
  Append(std::move(batch));

  store::TempDir dir;
  std::ofstream(dir.File("rules.yml"))
      << "groups:\n- name: g\n  rules:\n"
         "  - {record: 'h:rate5m', expr: 'sum by (job) (rate(h[5m]))', labels: {of: all}}\n"
         "  - {record: 'h:rate5m', expr: 'rate(h[5m])', labels: {of: each}}\n"
         "  - {record: 'h:part', expr: 'h:rate5m{of=\"each\"} / 3'}\n";
  auto rules = rules::RuleManager::Open(collector_->store(), {.files = {dir.File("rules.yml")},
                                                              .registry = &collector_->registry(),
                                                              .clock = &clock,
                                                              .threads = 0});
  ASSERT_TRUE(rules.ok()) << rules.status();
  clock.AdvanceMs(kMinuteMs);
  (*rules)->RunDue();
  const int64_t turn_ms = (*rules)->Status().at(0).last_evaluation_ms;
  last_ms_ = clock.NowUnixMs();
  const std::string samples = ExpectTheSame();
  EXPECT_THAT(samples, HasSubstr("h:rate5m"));
  EXPECT_THAT(samples, HasSubstr("h:part"));

  // What it makes of its own samples is what was recorded.
  for (const auto& [query, recorded] : std::vector<std::pair<std::string, std::string>>{
           {"sum by (job) (rate(h[5m]))", R"(h:rate5m{of="all"})"},
           {"rate(h[5m])", R"(h:rate5m{of="each"})"}}) {
    const std::vector<std::string> made = HistogramsAt(prometheus_->port(), query, turn_ms);
    EXPECT_FALSE(made.empty());
    EXPECT_EQ(made, HistogramsAt(prometheus_->port(), recorded, turn_ms)) << query;
  }
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
    ExpectAllRounds();
  }
}

}  // namespace
}  // namespace leadline::collector::remotetest
