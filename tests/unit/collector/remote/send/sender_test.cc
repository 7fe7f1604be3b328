// A store whose samples are sent on to a target that fails, refuses and goes away.
#include "collector/remote/send/sender.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/remote/send/metadata.h"
#include "collector/remote/wire/snappy.h"
#include "collector/remote/write/metric_type.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/series_labels.h"
#include "collector/store/engine/open.h"
#include "common/http/server.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::remote::send {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kT0 = 1'700'006'400'000;

// "name{labels}" -> time -> value.
using Samples = std::map<std::string, std::map<int64_t, double>>;
using Entries = model::MetricMetadata::Entries;

// What remote write is sent to: keeps what it answers 204.
class TargetServer {
 public:
  TargetServer() {
    http::Router router;
    router.Add({.method = "POST",
                .pattern = "/write",
                .handler = [this](const http::Request& request) { return Take(request); },
                .max_body_bytes = 64 << 20});
    auto server = http::Server::Start({}, std::move(router));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::string url() const { return fmt::format("http://{}/write", server_->address()); }

  // What it answers from now on.
  void Answer(int status) { status_ = status; }
  // As Prometheus: all of a request is refused for one sample that is older than its series'
  // newest.
  void RefuseLate() { refuses_late_ = true; }
  // It is killed each time between what it takes and its answer.
  void LoseAnswers(bool lose) { loses_answers_ = lose; }
  int asked() const { return asked_; }
  std::string authorization() {
    MutexLock lock(mutex_);
    return authorization_;
  }

  Samples samples() {
    MutexLock lock(mutex_);
    return samples_;
  }
  std::vector<int64_t> order() {
    MutexLock lock(mutex_);
    return order_;
  }
  Entries metadata() {
    MutexLock lock(mutex_);
    return metadata_;
  }
  // Metrics in the largest request.
  size_t most_described() {
    MutexLock lock(mutex_);
    return most_described_;
  }

 private:
  http::Response Take(const http::Request& request) {
    ++asked_;
    const int status = status_;
    if (status != 204) return {.status = status, .body = "no\n"};
    wire::Buffer message;
    write::Request parsed;
    EXPECT_TRUE(wire::UncompressSnappy(request.body, 64 << 20, message).ok());
    EXPECT_TRUE(write::ParseV1(message.view(), parsed).ok());
    MutexLock lock(mutex_);
    if (refuses_late_ && HasLate(parsed)) return {.status = 400, .body = "out of order\n"};
    authorization_ = request.GetHeader("Authorization");
    most_described_ = std::max(most_described_, parsed.metadata.size());
    for (const write::Metadata& described : parsed.metadata) {
      metadata_[std::string(described.metric)] = {.type = write::TypeName(described.type),
                                                  .help = std::string(described.help),
                                                  .unit = std::string(described.unit)};
    }
    size_t sample = 0;
    size_t histogram = 0;
    for (const write::Series& series : parsed.series) {
      const std::string name = write::Describe(*write::ReadLabelsV1(series.labels));
      for (; sample < series.samples_end; ++sample) {
        samples_[name][parsed.samples[sample].ts_ms] = parsed.samples[sample].value;
        order_.push_back(parsed.samples[sample].ts_ms);
      }
      for (; histogram < series.histograms_end; ++histogram) {
        samples_[name][parsed.histograms[histogram].ts_ms] =
            parsed.histograms[histogram].value.AsDouble(parsed.histograms[histogram].value.count);
      }
    }
    return {.status = loses_answers_ ? 503 : 204};
  }

  bool HasLate(const write::Request& parsed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::map<std::string, int64_t> newest;
    size_t sample = 0;
    for (const write::Series& series : parsed.series) {
      const std::string name = write::Describe(*write::ReadLabelsV1(series.labels));
      const auto known = samples_.find(name);
      if (known != samples_.end()) newest.emplace(name, known->second.rbegin()->first);
      for (; sample < series.samples_end; ++sample) {
        const int64_t ts_ms = parsed.samples[sample].ts_ms;
        const auto [at, is_first] = newest.emplace(name, ts_ms);
        if (ts_ms < at->second) return true;
        at->second = ts_ms;
      }
    }
    return false;
  }

  std::atomic<int> status_{204};
  std::atomic<bool> refuses_late_{false};
  std::atomic<bool> loses_answers_{false};
  std::atomic<int> asked_{0};
  Mutex mutex_;
  std::string authorization_ ABSL_GUARDED_BY(mutex_);
  Samples samples_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> order_ ABSL_GUARDED_BY(mutex_);
  Entries metadata_ ABSL_GUARDED_BY(mutex_);
  size_t most_described_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<http::Server> server_;
};

bool Eventually(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (done()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    options_.target.url = target_.url();
    options_.dir = dir_.File("data");
    options_.files = &store::file::PosixFiles();
  }
  ~SenderTest() override { Close(); }

  void Open() {
    registry_ = std::make_unique<prometheus::Registry>();
    options_.registry = registry_.get();
    auto sender = Sender::Open(options_);
    ASSERT_TRUE(sender.ok()) << sender.status();
    sender_ = *std::move(sender);
    auto store = store::engine::OpenStore(
        {.dir = options_.dir, .log_segment_bytes = 4096, .files = &sender_->files()});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    sender_->Start(store_->queryable(), describe_);
  }

  void Close() {
    if (sender_ != nullptr) sender_->Stop();
    store_ = nullptr;
    sender_ = nullptr;
  }

  void Append(store::WriteBatch batch) {
    std::promise<absl::Status> durable;
    store_->Append("default", std::move(batch),
                   [&](const absl::Status& status) { durable.set_value(status); });
    const absl::Status status = durable.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }

  // One sample a batch, at kT0 + i.
  void AppendSamples(const std::string& metric, int from, int to) {
    const auto handles = store_->Resolve("default", {{.metric = metric, .residual = {{"a", "b"}}}});
    ASSERT_TRUE(handles.ok()) << handles.status();
    for (int i = from; i < to; ++i) {
      store::WriteBatch batch;
      batch.series = *handles;
      batch.floats.push_back({kT0 + i, {0}, {i * 1.0}});
      Append(std::move(batch));
    }
  }

  static Samples Expected(const std::string& metric, int from, int to) {
    Samples samples;
    for (int i = from; i < to; ++i) {
      samples[fmt::format(R"({{__name__="{}", a="b"}})", metric)][kT0 + i] = i;
    }
    return samples;
  }

  void ExpectAll(const Samples& expected) {
    EXPECT_TRUE(Eventually([&] { return target_.samples() == expected; }));
    EXPECT_EQ(target_.samples(), expected);
  }

  double Counted(const std::string& name) {
    double sum = 0;
    for (const prometheus::MetricFamily& family : registry_->Collect()) {
      if (family.name != "leadline_collector_remote_send_" + name) continue;
      for (const auto& metric : family.metric) sum += metric.counter.value + metric.gauge.value;
    }
    return sum;
  }

  size_t KeptFiles() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options_.dir + "/remote_write")) {
      count += entry.path().extension() == ".log" ? 1 : 0;
    }
    return count;
  }

  store::TempDir dir_;
  TargetServer target_;
  SenderOptions options_;
  DescribeMetrics describe_;
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(SenderTest, SendsAllInOrder) {
  Open();
  AppendSamples("m", 0, 500);  // some segments
  ExpectAll(Expected("m", 0, 500));
  const std::vector<int64_t> order = target_.order();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_TRUE(Eventually([&] { return Counted("samples_total") == 500; }));
  EXPECT_EQ(Counted("dropped_samples_total"), 0);
}

TEST_F(SenderTest, HasTheLabelsOfEntities) {
  Open();
  store::WriteBatch batch;
  const Id128 id = HashId({"pod"});
  batch.entities.push_back({.id = id, .labels = {{"pod", "p"}, {"node", "n"}}, .start_ms = kT0});
  batch.series = *store_->Resolve(
      "default", {{.metric = "m", .entity = id, .residual = {{"cpu", "0"}, {"node", "mine"}}}});
  batch.floats.push_back({kT0, {0}, {1}});
  Append(std::move(batch));
  // It is renamed, and so are its series from then on.
  store::WriteBatch renamed;
  renamed.entities.push_back({.id = id,
                              .labels = {{"pod", "q"}},
                              .start_ms = kT0,
                              .valid_from_ms = kT0 + 1,
                              .revision = 1});
  renamed.series = *store_->Resolve(
      "default", {{.metric = "m", .entity = id, .residual = {{"cpu", "0"}, {"node", "mine"}}}});
  renamed.floats.push_back({kT0 + 1, {0}, {2}});
  Append(std::move(renamed));
  ExpectAll({{R"({__name__="m", cpu="0", node="mine", pod="p"})", {{kT0, 1}}},
             {R"({__name__="m", cpu="0", node="mine", pod="q"})", {{kT0 + 1, 2}}}});
}

// The segment that says what the entity is has been sent and is gone.
TEST_F(SenderTest, AsksTheStoreForEntitiesAfterARestart) {
  Open();
  const Id128 id = HashId({"pod"});
  const model::SeriesDefinition series = {.metric = "m", .entity = id};
  store::WriteBatch batch;
  batch.entities.push_back({.id = id, .labels = {{"pod", "p"}}, .start_ms = kT0});
  batch.series = *store_->Resolve("default", {series});
  batch.floats.push_back({kT0, {0}, {1}});
  Append(std::move(batch));
  ExpectAll({{R"({__name__="m", pod="p"})", {{kT0, 1}}}});
  AppendSamples("other", 0, 100);
  Samples expected = Expected("other", 0, 100);
  expected[R"({__name__="m", pod="p"})"] = {{kT0, 1}};
  ExpectAll(expected);
  Close();
  Open();
  store::WriteBatch more;
  more.series = *store_->Resolve("default", {series});
  more.floats.push_back({kT0 + 1, {0}, {2}});
  Append(std::move(more));
  expected[R"({__name__="m", pod="p"})"][kT0 + 1] = 2;
  ExpectAll(expected);
}

TEST_F(SenderTest, TriesAgainUntilItIsTaken) {
  Open();
  for (const int status : {503, 500, 429}) {
    target_.Answer(status);
    const int asked = target_.asked();
    AppendSamples(fmt::format("m{}", status), 0, 3);
    EXPECT_TRUE(Eventually([&] { return target_.asked() > asked + 2; }));
  }
  EXPECT_THAT(target_.samples(), IsEmpty());
  target_.Answer(204);
  Samples expected = Expected("m503", 0, 3);
  expected.merge(Expected("m500", 0, 3));
  expected.merge(Expected("m429", 0, 3));
  ExpectAll(expected);
  EXPECT_THAT(Counted("retries_total"), Ge(9));
  EXPECT_EQ(Counted("rejected_samples_total"), 0);
}

TEST_F(SenderTest, PassesOverWhatIsRefusedForGood) {
  Open();
  target_.Answer(400);
  AppendSamples("bad", 0, 3);
  EXPECT_TRUE(Eventually([&] { return Counted("rejected_samples_total") == 3; }));
  target_.Answer(204);
  AppendSamples("good", 0, 3);
  ExpectAll(Expected("good", 0, 3));
}

// What waits goes out as one request, in which a few samples are late.
TEST_F(SenderTest, LateSamplesTakeNoOthersWithThem) {
  Open();
  target_.RefuseLate();
  AppendSamples("late", 50, 60);
  ExpectAll(Expected("late", 50, 60));
  target_.Answer(503);
  const int asked = target_.asked();
  AppendSamples("first", 0, 1);  // which keeps what follows waiting
  EXPECT_TRUE(Eventually([&] { return target_.asked() > asked; }));
  AppendSamples("m", 0, 20);
  AppendSamples("late", 30, 33);
  AppendSamples("m", 20, 60);
  target_.Answer(204);
  Samples expected = Expected("late", 50, 60);
  expected.merge(Expected("first", 0, 1));
  expected.merge(Expected("m", 0, 60));
  ExpectAll(expected);
  EXPECT_TRUE(Eventually([&] { return Counted("samples_total") == 71; }));
  EXPECT_EQ(Counted("rejected_samples_total"), 3);
}

// What it has taken comes again behind a restart of ours, together with what it has not.
TEST_F(SenderTest, NothingIsLostWhereAnAnswerWas) {
  Open();
  target_.RefuseLate();
  target_.LoseAnswers(true);
  AppendSamples("m", 0, 10);
  EXPECT_TRUE(Eventually([&] { return !target_.samples().empty(); }));
  Close();
  Open();
  AppendSamples("m", 10, 20);
  Close();
  target_.LoseAnswers(false);
  Open();
  ExpectAll(Expected("m", 0, 20));
}

// A target that takes nothing is not asked again in parts.
TEST_F(SenderTest, AsksOnceWhereItIsForbidden) {
  Open();
  target_.Answer(403);
  AppendSamples("m", 0, 20);
  EXPECT_TRUE(Eventually([&] { return Counted("rejected_samples_total") == 20; }));
  EXPECT_EQ(Counted("requests_total"), target_.asked());
  EXPECT_THAT(target_.asked(), testing::Le(20));
}

TEST_F(SenderTest, KeepsTheLogThatTheStoreIsDoneWith) {
  Open();
  target_.Answer(503);
  AppendSamples("m", 0, 300);
  ASSERT_TRUE(store_->Flush().ok());
  AppendSamples("m", 300, 400);
  EXPECT_THAT(KeptFiles(), Ge(1));
  // Over a restart of ours, too.
  Close();
  Open();
  EXPECT_THAT(KeptFiles(), Ge(1));
  target_.Answer(204);
  ExpectAll(Expected("m", 0, 400));
  ASSERT_TRUE(store_->Flush().ok());
  AppendSamples("n", 0, 1);
  EXPECT_TRUE(Eventually([&] { return KeptFiles() == 0; }));
  EXPECT_EQ(Counted("given_up_segments_total"), 0);
}

TEST_F(SenderTest, GoesOnWhereItStood) {
  Open();
  AppendSamples("m", 0, 100);
  ExpectAll(Expected("m", 0, 100));
  // Until our side knows that they are there, too.
  const auto sent = [&] { return Counted("samples_total") == 100; };
  EXPECT_TRUE(Eventually(sent));
  for (int i = 1; i < 5; ++i) {
    Close();
    Open();
    AppendSamples("m", i * 100, (i + 1) * 100);
    ExpectAll(Expected("m", 0, (i + 1) * 100));
    EXPECT_TRUE(Eventually(sent));
  }
  std::string position;
  std::getline(std::ifstream(options_.dir + "/remote_write/POSITION"), position);
  EXPECT_THAT(position, testing::MatchesRegex("v1 [0-9]+ [0-9]+ [0-9]+"));
  // What was sent and known to be is not sent again.
  EXPECT_EQ(target_.order().size(), 500);
}

TEST_F(SenderTest, GivesUpTheOldestWhereTooMuchIsKept) {
  options_.max_kept_bytes = 1;
  Open();
  target_.Answer(503);
  AppendSamples("m", 0, 300);
  ASSERT_TRUE(store_->Flush().ok());
  AppendSamples("new", 0, 3);
  EXPECT_TRUE(Eventually([&] { return KeptFiles() == 0; }));
  EXPECT_THAT(Counted("given_up_segments_total"), Ge(1));
  target_.Answer(204);
  ExpectAll(Expected("new", 0, 3));
}

TEST_F(SenderTest, SendsHistogramsWhereTheyAreWanted) {
  for (const bool wanted : {false, true}) {
    options_.histograms = wanted;
    Open();
    const auto handles = store_->Resolve("default", {{.metric = "h"}});
    ASSERT_TRUE(handles.ok());
    store::WriteBatch batch;
    batch.series = *handles;
    const int64_t ts_ms = kT0 + (wanted ? 1 : 0);
    batch.histograms.push_back({ts_ms, {0}, {{.count = 3, .positive = {{1, 3}}}}});
    batch.histograms.push_back({ts_ms + 10,
                                {0},
                                {{.float_counts = true,
                                  .count = model::FloatCount(1.5),
                                  .positive = {{1, model::FloatCount(1.5)}}}}});
    Append(std::move(batch));
    if (wanted) {
      ExpectAll({{R"({__name__="h"})", {{kT0 + 1, 3}, {kT0 + 11, 1.5}}}});
    } else {
      EXPECT_TRUE(Eventually([&] { return Counted("dropped_samples_total") == 2; }));
    }
    Close();
  }
}

TEST_F(SenderTest, SaysWhatMetricsAre) {
  const Entries known = {{"a_total", {.type = "counter", .help = "How \"often\".", .unit = "ä"}},
                         {"b", {.type = "gaugehistogram"}},
                         {"c", {.type = "what nobody knows", .help = "It."}}};
  describe_ = [known] { return known; };
  Open();
  AppendSamples("m", 0, 3);
  Entries expected = known;
  expected["c"].type = "unknown";
  EXPECT_TRUE(Eventually([&] { return target_.metadata() == expected; }));
  EXPECT_EQ(target_.metadata(), expected);
  ExpectAll(Expected("m", 0, 3));
  EXPECT_TRUE(Eventually([&] { return Counted("metadata_total") == 3; }));
  EXPECT_EQ(Counted("failed_metadata_total"), 0);
}

TEST_F(SenderTest, SaysWhatMetricsAreInPartsAndAgain) {
  Entries known;
  for (size_t i = 0; i < 2 * kMaxMetricsPerMessage + 1; ++i) {
    known[fmt::format("m{}", i)] = {.type = "gauge"};
  }
  describe_ = [known] { return known; };
  options_.metadata_every = absl::Milliseconds(1);
  target_.Answer(503);
  Open();
  // Samples do not wait for it, nor does it end the sending.
  EXPECT_TRUE(Eventually([&] { return Counted("failed_metadata_total") > 0; }));
  target_.Answer(400);
  const double failed = Counted("failed_metadata_total");
  EXPECT_TRUE(Eventually([&] { return Counted("failed_metadata_total") > failed; }));
  target_.Answer(204);
  AppendSamples("s", 0, 3);
  ExpectAll(Expected("s", 0, 3));
  EXPECT_TRUE(Eventually([&] { return target_.metadata() == known; }));
  EXPECT_EQ(target_.most_described(), kMaxMetricsPerMessage);
  EXPECT_EQ(Counted("rejected_samples_total"), 0);
}

TEST_F(SenderTest, ShowsItsToken) {
  options_.target.token_file = dir_.File("token");
  std::ofstream(options_.target.token_file) << "a-secret\n";
  Open();
  AppendSamples("m", 0, 1);
  ExpectAll(Expected("m", 0, 1));
  EXPECT_EQ(target_.authorization(), "Bearer a-secret");
}

TEST_F(SenderTest, SaysWhatIsWrongWithItsPosition) {
  std::filesystem::create_directories(options_.dir + "/remote_write");
  registry_ = std::make_unique<prometheus::Registry>();
  options_.registry = registry_.get();
  const auto open_with = [&](const std::string& position) {
    std::ofstream(options_.dir + "/remote_write/POSITION") << position;
    return Sender::Open(options_).status();
  };
  for (const char* damaged : {"", "v1", "v1 12", "v1 11 12 x\n", "v1 11 12 13", "11 12 13\n"}) {
    const absl::Status status = open_with(damaged);
    EXPECT_TRUE(absl::IsDataLoss(status)) << damaged << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("remote_write/POSITION"));
  }
  EXPECT_TRUE(absl::IsUnimplemented(open_with("v2 11 12 13\n")));
  EXPECT_TRUE(open_with("v1 11 12 13\n").ok());
}

}  // namespace
}  // namespace leadline::collector::remote::send
