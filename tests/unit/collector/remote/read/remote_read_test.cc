#include "collector/remote/read/remote_read.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/remote/wire/snappy.h"
#include "collector/store/engine/open.h"
#include "prometheus/read.pb.h"
#include "tests/unit/collector/store/temp_dir.h"
#include "xor_reader.h"

namespace leadline::collector::remote::read {
namespace {

namespace pb = leadline::test::read;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kT0 = 1'700'006'400'000;
constexpr int kSamples = 300;

class RemoteReadTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::engine::OpenStore({.dir = dir_.File("data")});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    read_ = std::make_unique<RemoteRead>(ReadOptions{
        .queryable = &store_->queryable(), .registry = &registry_, .max_samples = 1000});
    store::WriteBatch batch;
    batch.series = *store_->Resolve("default", {{.metric = "a", .residual = {{"x", "2"}}},
                                                {.metric = "a", .residual = {{"x", "1"}}},
                                                {.metric = "h"}});
    for (int i = 0; i < kSamples; ++i) {
      batch.floats.push_back({kT0 + i * 1000, {0, 1}, {i * 0.5, -i * 1.0}});
    }
    batch.histograms.push_back(
        {kT0, {2}, {{.schema = 0, .count = 3, .sum = 4, .positive = {{1, 3}}}}});
    batch.histograms.push_back({kT0 + 1000,
                                {2},
                                {{.reset_hint = model::ResetHint::kGauge,
                                  .float_counts = true,
                                  .count = model::FloatCount(0.75),
                                  .positive = {{1, model::FloatCount(0.75)}}}}});
    std::promise<absl::Status> durable;
    store_->Append("default", std::move(batch),
                   [&](const absl::Status& status) { durable.set_value(status); });
    ASSERT_TRUE(durable.get_future().get().ok());
  }

  static pb::Query& AddQuery(pb::ReadRequest& request, const std::string& metric,
                             int64_t start_ms = kT0, int64_t end_ms = kT0 + kSamples * 1000) {
    pb::Query& query = *request.add_queries();
    query.set_start_timestamp_ms(start_ms);
    query.set_end_timestamp_ms(end_ms);
    AddMatcher(query, 0, "__name__", metric);
    return query;
  }

  static void AddMatcher(pb::Query& query, int type, const std::string& name,
                         const std::string& value) {
    pb::LabelMatcher& matcher = *query.add_matchers();
    matcher.set_type(type);
    matcher.set_name(name);
    matcher.set_value(value);
  }

  http::Response Ask(const pb::ReadRequest& request) {
    http::Request http;
    wire::CompressSnappy(request.SerializeAsString(), http.body);
    return read_->Read(http);
  }

  static pb::ReadResponse Samples(const http::Response& response) {
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.content_type, "application/x-protobuf");
    wire::Buffer plain;
    EXPECT_TRUE(wire::UncompressSnappy(response.body, 1 << 24, plain).ok());
    pb::ReadResponse message;
    EXPECT_TRUE(message.ParseFromString(std::string(plain.view())));
    return message;
  }

  store::TempDir dir_;
  prometheus::Registry registry_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<RemoteRead> read_;
};

TEST_F(RemoteReadTest, GivesSamplesSortedByLabels) {
  pb::ReadRequest request;
  AddQuery(request, "a", kT0 + 1000, kT0 + 2000);
  AddQuery(request, "nothing");
  AddQuery(request, "h");
  const pb::ReadResponse response = Samples(Ask(request));
  ASSERT_EQ(response.results_size(), 3);
  ASSERT_EQ(response.results(0).timeseries_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const auto& series = response.results(0).timeseries(i);
    ASSERT_EQ(series.labels_size(), 2);
    EXPECT_EQ(series.labels(0).name(), "__name__");
    EXPECT_EQ(series.labels(1).value(), i == 0 ? "1" : "2");
    ASSERT_EQ(series.samples_size(), 2);
    EXPECT_EQ(series.samples(0).timestamp(), kT0 + 1000);
    EXPECT_EQ(series.samples(0).value(), i == 0 ? -1 : 0.5);
    EXPECT_EQ(series.samples(1).timestamp(), kT0 + 2000);
  }
  EXPECT_EQ(response.results(1).timeseries_size(), 0);
  ASSERT_EQ(response.results(2).timeseries_size(), 1);
  EXPECT_EQ(response.results(2).timeseries(0).histograms(0).count_int(), 3);
}

struct Match {
  int type;
  const char* value;
  int found;
};

class MatchTest : public RemoteReadTest, public testing::WithParamInterface<Match> {};

TEST_P(MatchTest, FindsBySeveralKinds) {
  pb::ReadRequest request;
  AddMatcher(AddQuery(request, "a", kT0, kT0), GetParam().type, "x", GetParam().value);
  EXPECT_EQ(Samples(Ask(request)).results(0).timeseries_size(), GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(Kinds, MatchTest,
                         testing::Values(Match{0, "1", 1}, Match{1, "1", 1}, Match{1, "3", 2},
                                         Match{2, "1|2", 2}, Match{2, "1.", 0},
                                         Match{3, "1|3", 1}));

TEST_F(RemoteReadTest, StreamsChunks) {
  pb::ReadRequest request;
  request.add_accepted_response_types(7);  // unknown to us
  request.add_accepted_response_types(1);
  request.add_accepted_response_types(0);
  AddQuery(request, "nothing");
  AddQuery(request, "a");
  const http::Response response = Ask(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type,
            "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  std::string_view rest = response.body;
  for (int frame = 0; frame < 2; ++frame) {
    size_t size = 0;
    int shift = 0;
    uint8_t byte = 0;
    do {
      byte = static_cast<uint8_t>(rest.front());
      rest.remove_prefix(1);
      size |= size_t{byte & 0x7fU} << shift;
      shift += 7;
    } while (byte >= 0x80);
    rest.remove_prefix(4);
    pb::ChunkedReadResponse message;
    ASSERT_TRUE(message.ParseFromString(std::string(rest.substr(0, size))));
    rest.remove_prefix(size);
    EXPECT_EQ(message.query_index(), 1);
    ASSERT_EQ(message.chunked_series_size(), 1);
    const auto& series = message.chunked_series(0);
    EXPECT_EQ(series.labels(1).value(), frame == 0 ? "1" : "2");
    ASSERT_EQ(series.chunks_size(), 3);
    int at = 0;
    for (const pb::Chunk& chunk : series.chunks()) {
      EXPECT_EQ(chunk.type(), 1);
      EXPECT_EQ(chunk.min_time_ms(), kT0 + at * 1000);
      for (const auto& [ts_ms, value] : XorReader(chunk.data()).ReadAll()) {
        EXPECT_EQ(ts_ms, kT0 + at * 1000);
        EXPECT_EQ(value, frame == 0 ? -at : at * 0.5);
        ++at;
      }
      EXPECT_EQ(chunk.max_time_ms(), kT0 + (at - 1) * 1000);
    }
    EXPECT_EQ(at, kSamples);
  }
  EXPECT_EQ(rest, "");
}

TEST_F(RemoteReadTest, FramesHaveTheirChecksum) {
  pb::ReadRequest request;
  request.add_accepted_response_types(1);
  AddQuery(request, "a", kT0, kT0);
  const std::string body = Ask(request).body;
  const auto size = static_cast<uint8_t>(body[0]);
  ASSERT_LT(size, 128);
  uint32_t crc = 0xffffffff;
  for (const char byte : body.substr(5, size)) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(static_cast<uint8_t>(body[static_cast<size_t>(i) + 1]), crc >> (24 - 8 * i) & 0xff);
  }
}

TEST_F(RemoteReadTest, AnswersHistogramsAsSamplesWhereItMay) {
  pb::ReadRequest request;
  request.add_accepted_response_types(1);
  AddQuery(request, "h");
  http::Response response = Ask(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("native histograms"));
  request.add_accepted_response_types(0);
  const pb::ReadResponse samples = Samples(Ask(request));
  const auto& series = samples.results(0).timeseries(0);
  ASSERT_EQ(series.histograms_size(), 2);
  EXPECT_EQ(series.histograms(0).count_int(), 3);
  EXPECT_EQ(series.histograms(1).count_float(), 0.75);
  EXPECT_EQ(series.histograms(1).positive_counts(0), 0.75);
}

TEST_F(RemoteReadTest, SaysWhatIsWrong) {
  EXPECT_EQ(read_->Read({.body = "no snappy"}).status, 400);
  http::Request cut;
  wire::CompressSnappy("\x0a\x05\x08", cut.body);
  EXPECT_EQ(read_->Read(cut).body, "proto: malformed ReadRequest\n");

  pb::ReadRequest request;
  AddMatcher(AddQuery(request, "a"), 4, "x", "");
  EXPECT_EQ(Ask(request).body, "invalid matcher type 4\n");
  request.Clear();
  AddMatcher(AddQuery(request, "a"), 2, "x", "(");
  EXPECT_EQ(Ask(request).status, 400);
  request.Clear();
  request.add_queries();
  EXPECT_EQ(Ask(request).status, 400);
  request.Clear();
  AddQuery(request, "a");
  AddQuery(request, "a");
  http::Response response = Ask(request);  // 1200 samples
  EXPECT_EQ(response.status, 422) << response.body;
  EXPECT_THAT(response.body, HasSubstr("1000"));
}

TEST_F(RemoteReadTest, ReadsWhenItMayAndNoMoreThanItMay) {
  class Bound final : public store::MemoryBound {
   public:
    absl::Status Take(uint64_t bytes) override {
      if (bytes > left_) return absl::ResourceExhaustedError("of 20000 allowed");
      left_ -= bytes;
      return absl::OkStatus();
    }
    void GiveBack(uint64_t bytes) override { left_ += bytes; }

   private:
    uint64_t left_ = 20'000;
  };
  absl::Status refused;
  read_ = std::make_unique<RemoteRead>(ReadOptions{
      .queryable = &store_->queryable(),
      .registry = &registry_,
      .govern = [&refused](std::string_view tenant, const std::atomic<bool>* cancelled, auto read) {
        EXPECT_EQ(tenant, "default");
        if (!refused.ok()) return refused;
        Bound bound;
        return read({.cancelled = cancelled, .memory = &bound});
      }});
  pb::ReadRequest request;
  AddQuery(request, "a");
  AddQuery(request, "a");
  const http::Response large = Ask(request);
  EXPECT_EQ(large.status, 422);
  EXPECT_THAT(large.body, HasSubstr("of 20000 allowed"));
  request.Clear();
  AddQuery(request, "h");
  EXPECT_EQ(Ask(request).status, 200);
  refused = absl::UnavailableError("too many queries");
  EXPECT_EQ(Ask(request).status, 503);
}

TEST_F(RemoteReadTest, AnAnswerIsCountedUntilItGoes) {
  uint64_t held = 0;
  uint64_t limit = UINT64_MAX;
  read_ = std::make_unique<RemoteRead>(ReadOptions{
      .queryable = &store_->queryable(),
      .registry = &registry_,
      .hold = [&](uint64_t bytes) -> absl::StatusOr<std::shared_ptr<const void>> {
        if (bytes > limit) return absl::ResourceExhaustedError("too much");
        held += bytes;
        return std::shared_ptr<const void>(&held, [&held, bytes](const void*) { held -= bytes; });
      }});
  pb::ReadRequest request;
  AddQuery(request, "a");
  {
    const http::Response response = Ask(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(held, response.body.size());
  }
  EXPECT_EQ(held, 0u);
  limit = 1;
  EXPECT_EQ(Ask(request).status, 422);
}

TEST_F(RemoteReadTest, EndsOnceNobodyWaits) {
  pb::ReadRequest request;
  AddQuery(request, "a");
  http::Request http;
  wire::CompressSnappy(request.SerializeAsString(), http.body);
  const auto cancelled = std::make_shared<std::atomic<bool>>(false);
  http.cancelled = cancelled;
  EXPECT_EQ(read_->Read(http).status, 200);
  *cancelled = true;
  EXPECT_EQ(read_->Read(http).status, 503);
}

}  // namespace
}  // namespace leadline::collector::remote::read
