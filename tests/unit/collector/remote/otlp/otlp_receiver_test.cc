// OTLP's messages by HTTP into a real store: what PromQL then finds.
#include "collector/remote/otlp/otlp_receiver.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <future>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/remote/otlp/otlp_service.h"
#include "collector/store/engine/open.h"
#include "otlp/v1/metrics.grpc.pb.h"
#include "tests/unit/collector/remote/write/stored_exemplars.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::remote::otlp {
namespace {

namespace pb = opentelemetry::proto::collector::metrics::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kNowMs = 1'700'006'400'000;
constexpr uint64_t kNowNs = static_cast<uint64_t>(kNowMs) * 1'000'000;

void SetText(pb::KeyValue& attribute, const std::string& key, const std::string& value) {
  attribute.set_key(key);
  attribute.mutable_value()->set_string_value(value);
}

class OtlpTest : public testing::Test {
 protected:
  void SetUp() override {
    Open({});
    pb::ResourceMetrics& resource = *message_.add_resource_metrics();
    auto& attributes = *resource.mutable_resource()->mutable_attributes();
    SetText(*attributes.Add(), "service.name", "shop");
    SetText(*attributes.Add(), "service.instance.id", "i-1");
    SetText(*attributes.Add(), "service.namespace", "prod");
    SetText(*attributes.Add(), "host.name", "h");
    scope_ = resource.add_scope_metrics();
  }

  void Open(const store::TenantLimits& limits) {
    receiver_ = nullptr;
    store_ = nullptr;
    auto opened = store::engine::OpenStore(
        {.dir = dir_.File("data"), .tenant_limits = limits, .clock = &clock_});
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
    receiver_ = std::make_unique<OtlpReceiver>(write::IntakeOptions{
        .store = store_.get(), .registry = &registry_, .metadata = &metadata_});
  }

  pb::Metric& AddMetric(const std::string& name, const std::string& unit = "") {
    pb::Metric& metric = *scope_->add_metrics();
    metric.set_name(name);
    metric.set_unit(unit);
    return metric;
  }

  template <typename Point>
  static Point& AtNow(Point* point) {
    point->set_time_unix_nano(kNowNs + 999'999);  // cut, not rounded
    return *point;
  }

  http::Response Send(const std::string& body, const std::string& type = "application/x-protobuf",
                      const std::string& coding = "") {
    http::Request http{.method = "POST", .headers = {{"Content-Type", type}}, .body = body};
    if (!coding.empty()) http.headers.emplace_back("Content-Encoding", coding);
    std::promise<http::Response> answer;
    receiver_->Write(http, [&](http::Response response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }

  pb::ExportMetricsServiceResponse Export() {
    const http::Response response = Send(message_.SerializeAsString());
    EXPECT_EQ(response.status, 200) << response.body;
    pb::ExportMetricsServiceResponse message;
    EXPECT_TRUE(message.ParseFromString(response.body));
    return message;
  }

  // "{labels} value@offset …" of each series of the metric, sorted.
  std::vector<std::string> Series(const std::string& metric) {
    const std::vector<store::Matcher> matchers = {{store::Matcher::Op::kEqual, "__name__", metric}};
    store::SelectHints hints;
    hints.end_ms = model::kOpenEnd;
    const auto blocks = store_->queryable().Select("default", matchers, hints);
    EXPECT_TRUE(blocks.ok()) << blocks.status();
    std::vector<std::string> texts;
    for (const store::SeriesBlock& block : *blocks) {
      LabelSet labels = *block.labels;
      labels.Remove("__name__");
      std::string text = labels.ToString();
      for (size_t i = 0; i < block.ts_ms.size(); ++i) {
        text += model::IsStaleNan(block.values[i]) ? " stale" : fmt::format(" {}", block.values[i]);
        text += fmt::format("@{}", block.ts_ms[i] - kNowMs);
      }
      histograms_.insert(histograms_.end(), block.histograms.begin(), block.histograms.end());
      texts.push_back(std::move(text));
    }
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  // Of a series of the resource, with these labels more.
  std::vector<std::string> Exemplars(const std::string& metric, LabelSet labels) {
    labels.Set("__name__", metric);
    labels.Set("instance", "i-1");
    labels.Set("job", "prod/shop");
    return write::StoredExemplars(store_->queryable(), kNowMs, labels);
  }

  store::TempDir dir_;
  ManualClock clock_{kNowMs};
  prometheus::Registry registry_;
  model::MetricMetadata metadata_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<OtlpReceiver> receiver_;
  pb::ExportMetricsServiceRequest message_;
  pb::ScopeMetrics* scope_ = nullptr;
  std::vector<model::NativeHistogram> histograms_;  // of all Series calls
};

TEST_F(OtlpTest, TakesGaugesAndSums) {
  pb::Metric& gauge = AddMetric("system.cpu.utilization", "1");
  gauge.set_description("How much.");
  auto& point = AtNow(gauge.mutable_gauge()->add_data_points());
  point.set_as_double(0.25);
  SetText(*point.add_attributes(), "cpu.mode", "user");
  pb::Sum& counter = *AddMetric("requests", "{request}").mutable_sum();
  counter.set_is_monotonic(true);
  counter.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  auto& count = AtNow(counter.add_data_points());
  count.set_as_int(-7);
  count.set_start_time_unix_nano(kNowNs - 2'000'000'000);
  pb::Sum& level = *AddMetric("queue", "By").mutable_sum();
  level.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  AtNow(level.add_data_points()).set_as_int(9'007'199'254'740'993);
  EXPECT_FALSE(Export().has_partial_success());

  EXPECT_THAT(Series("system_cpu_utilization_ratio"),
              ElementsAre(R"({cpu_mode="user", instance="i-1", job="prod/shop"} 0.25@0)"));
  EXPECT_THAT(Series("requests_total"),
              ElementsAre(R"({instance="i-1", job="prod/shop"} 0@-2000 -7@0)"));
  EXPECT_THAT(Series("queue_bytes"),
              ElementsAre(R"({instance="i-1", job="prod/shop"} 9007199254740992@0)"));
  EXPECT_THAT(Series("target_info"),
              ElementsAre(R"({host_name="h", instance="i-1", job="prod/shop"} 1@0)"));
  EXPECT_EQ(
      metadata_.Get("default", "system_cpu_utilization_ratio").at("system_cpu_utilization_ratio"),
      (model::MetricMetadata::Entry{.type = "gauge", .help = "How much."}));
  EXPECT_EQ(metadata_.Get("default", "queue_bytes").at("queue_bytes").unit, "bytes");
}

TEST_F(OtlpTest, MakesTextOfEveryKindOfAttribute) {
  auto& point = AtNow(AddMetric("g").mutable_gauge()->add_data_points());
  point.set_as_double(1);
  const auto add = [&](const char* key) -> pb::AnyValue& {
    auto& attribute = *point.add_attributes();
    attribute.set_key(key);
    return *attribute.mutable_value();
  };
  add("b").set_bool_value(true);
  add("i").set_int_value(-5);
  add("d").set_double_value(1e21);
  add("bytes").set_bytes_value("\x01\x02");
  add("list").mutable_array_value()->add_values()->set_string_value("x\"");
  auto& member = *add("map").mutable_kvlist_value()->add_values();
  member.set_key("k");
  member.mutable_value()->set_int_value(1);
  add("empty").set_string_value("");
  // Both are x_y: in the order of the keys.
  add("x.y").set_string_value("2");
  add("x-y").set_string_value("1");
  add("job").set_string_value("the resource's wins");
  Export();
  EXPECT_THAT(
      Series("g"),
      ElementsAre(R"({b="true", bytes="AQI=", d="1000000000000000000000", i="-5", instance="i-1", )"
                  R"(job="prod/shop", list="[\"x\\\"\"]", map="{\"k\":1}", x_y="1;2"} 1@0)"));
}

TEST_F(OtlpTest, TakesHistogramsAsClassicSeries) {
  pb::Histogram& histogram = *AddMetric("took", "s").mutable_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  auto& point = AtNow(histogram.add_data_points());
  for (const double bound : {0.005, 1.0, 1e6}) point.add_explicit_bounds(bound);
  for (const uint64_t count : {1, 0, 2, 3}) point.add_bucket_counts(count);
  point.set_count(6);
  point.set_sum(12.5);
  EXPECT_FALSE(Export().has_partial_success());
  EXPECT_THAT(Series("took_seconds_bucket"),
              ElementsAre(R"({instance="i-1", job="prod/shop", le="+Inf"} 6@0)",
                          R"({instance="i-1", job="prod/shop", le="0.005"} 1@0)",
                          R"({instance="i-1", job="prod/shop", le="1"} 1@0)",
                          R"({instance="i-1", job="prod/shop", le="1000000"} 3@0)"));
  EXPECT_THAT(Series("took_seconds_sum"), ElementsAre(HasSubstr(" 12.5@0")));
  EXPECT_THAT(Series("took_seconds_count"), ElementsAre(HasSubstr(" 6@0")));
}

TEST_F(OtlpTest, KeepsExemplarsWithTheBucketOfTheirValue) {
  pb::Histogram& histogram = *AddMetric("took", "s").mutable_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  auto& point = AtNow(histogram.add_data_points());
  for (const double bound : {0.5, 1.0}) point.add_explicit_bounds(bound);
  for (const uint64_t count : {1, 1, 2}) point.add_bucket_counts(count);
  point.set_count(4);
  for (const double value : {7.0, 0.5, 0.7, std::nan("")}) {
    pb::Exemplar& exemplar = *point.add_exemplars();
    exemplar.set_as_double(value);
    exemplar.set_time_unix_nano(kNowNs - 2'000'000);
  }
  pb::Exemplar& exemplar = *point.mutable_exemplars(1);
  exemplar.set_trace_id(std::string("\x5b\x8e\xff\xf7\x98\x03\x81\x03", 8) + std::string(8, '\1'));
  exemplar.set_span_id(std::string("\0\xf0\x67\xaa\x0b\xa9\x02\xb7", 8));
  SetText(*exemplar.add_filtered_attributes(), "user.id", "7");
  EXPECT_FALSE(Export().has_partial_success());
  EXPECT_THAT(Exemplars("took_seconds_bucket", {{"le", "0.5"}}),
              ElementsAre(R"(0.5@-2 {span_id="00f067aa0ba902b7", )"
                          R"(trace_id="5b8efff7980381030101010101010101", "user.id"="7"})"));
  EXPECT_THAT(Exemplars("took_seconds_bucket", {{"le", "1"}}), ElementsAre("0.7@-2 {}"));
  EXPECT_THAT(Exemplars("took_seconds_bucket", {{"le", "+Inf"}}),
              UnorderedElementsAre("7@-2 {}", "nan@-2 {}"));
  EXPECT_THAT(Exemplars("took_seconds_count", {}), IsEmpty());
}

TEST_F(OtlpTest, KeepsExemplarsOfNumbersAndExponentialHistograms) {
  auto& sum = *AddMetric("hits").mutable_sum();
  sum.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  sum.set_is_monotonic(true);
  auto& number = AtNow(sum.add_data_points());
  number.set_as_int(1);
  number.add_exemplars()->set_as_int(3);  // at the time of the point
  // What is too long leaves the ids alone.
  pb::Exemplar& wide = *number.add_exemplars();
  wide.set_as_int(4);
  wide.set_time_unix_nano(kNowNs - 1'000'000);
  wide.set_trace_id(std::string(16, '\2'));
  SetText(*wide.add_filtered_attributes(), "long", std::string(100, 'x'));
  pb::ExponentialHistogram& histogram = *AddMetric("took").mutable_exponential_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  auto& point = AtNow(histogram.add_data_points());
  point.set_scale(0);
  point.add_exemplars()->set_as_double(0.25);
  // With its point.
  auto& delta = *AddMetric("delta").mutable_sum();
  delta.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_DELTA);
  AtNow(delta.add_data_points()).add_exemplars();
  Export();
  EXPECT_THAT(Exemplars("hits_total", {}),
              ElementsAre(R"(4@-1 {trace_id="02020202020202020202020202020202"})", "3@0 {}"));
  EXPECT_THAT(Exemplars("took", {}), ElementsAre("0.25@0 {}"));
}

TEST_F(OtlpTest, TakesExponentialHistogramsAsNativeOnes) {
  pb::ExponentialHistogram& histogram = *AddMetric("took", "s").mutable_exponential_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  auto& point = AtNow(histogram.add_data_points());
  point.set_scale(10);  // two finer than ours
  point.set_count(16);
  point.set_sum(3);
  point.set_zero_count(1);
  point.mutable_positive()->set_offset(-6);
  // -6, -5 | -4 … -1 | 0 … 3
  for (const uint64_t count : {1, 2, 0, 0, 3, 0, 4}) {
    point.mutable_positive()->add_bucket_counts(count);
  }
  point.mutable_negative()->set_offset(7);
  point.mutable_negative()->add_bucket_counts(5);
  EXPECT_FALSE(Export().has_partial_success());
  EXPECT_THAT(Series("took_seconds"), ElementsAre(R"({instance="i-1", job="prod/shop"})"));
  EXPECT_THAT(histograms_, ElementsAre(model::NativeHistogram{.schema = 8,
                                                              .zero_threshold = 1e-128,
                                                              .zero_count = 1,
                                                              .count = 16,
                                                              .sum = 3,
                                                              .positive = {{-1, 3}, {0, 3}, {1, 4}},
                                                              .negative = {{2, 5}}}));
}

TEST_F(OtlpTest, TakesSummaries) {
  auto& point = AtNow(AddMetric("took", "s").mutable_summary()->add_data_points());
  point.set_count(3);
  point.set_sum(1.5);
  auto& quantile = *point.add_quantile_values();
  quantile.set_quantile(0.5);
  quantile.set_value(0.25);
  EXPECT_FALSE(Export().has_partial_success());
  EXPECT_THAT(Series("took_seconds"),
              ElementsAre(R"({instance="i-1", job="prod/shop", quantile="0.5"} 0.25@0)"));
  EXPECT_THAT(Series("took_seconds_sum"), ElementsAre(HasSubstr(" 1.5@0")));
  EXPECT_THAT(Series("took_seconds_count"), ElementsAre(HasSubstr(" 3@0")));
}

TEST_F(OtlpTest, MarksWhatHasNoValueAnyMore) {
  AtNow(AddMetric("g").mutable_gauge()->add_data_points()).set_flags(1);
  pb::ExponentialHistogram& histogram = *AddMetric("h").mutable_exponential_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  AtNow(histogram.add_data_points()).set_flags(1);
  EXPECT_FALSE(Export().has_partial_success());
  EXPECT_THAT(Series("g"), ElementsAre(HasSubstr(" stale@0")));
  Series("h");
  ASSERT_EQ(histograms_.size(), 1);
  EXPECT_TRUE(model::IsStaleNan(histograms_[0].sum));
}

TEST_F(OtlpTest, CountsThePointsThatItDoesNotTake) {
  AtNow(AddMetric("good").mutable_gauge()->add_data_points()).set_as_int(1);
  pb::Sum& delta = *AddMetric("delta").mutable_sum();
  delta.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_DELTA);
  AtNow(delta.add_data_points()).set_as_int(1);
  AtNow(delta.add_data_points()).set_as_int(1);
  AtNow(AddMetric("valueless").mutable_gauge()->add_data_points());
  pb::Histogram& histogram = *AddMetric("future").mutable_histogram();
  histogram.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  histogram.add_data_points()->set_time_unix_nano(kNowNs * 2);  // one point, two series
  pb::ExponentialHistogram& coarse = *AddMetric("coarse").mutable_exponential_histogram();
  coarse.set_aggregation_temporality(pb::AGGREGATION_TEMPORALITY_CUMULATIVE);
  AtNow(coarse.add_data_points()).set_scale(-5);
  const pb::ExportMetricsServiceResponse response = Export();
  EXPECT_EQ(response.partial_success().rejected_data_points(), 5);
  EXPECT_THAT(response.partial_success().error_message(),
              HasSubstr("\"delta\": delta temporality"));
  EXPECT_THAT(response.partial_success().error_message(), HasSubstr("ahead of the clock"));
  EXPECT_THAT(response.partial_success().error_message(), HasSubstr("scale -5"));
  EXPECT_THAT(Series("good"), ElementsAre(HasSubstr(" 1@0")));
}

std::string HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [header, value] : response.headers) {
    if (header == name) return value;
  }
  return "";
}

// google.rpc.Status of RESOURCE_EXHAUSTED with a RetryInfo of so many seconds, as its bytes.
std::string ThrottledBytes(const std::string& text, char seconds) {
  const std::string duration = {'\x08', seconds, '\x10', '\x00'};
  const std::string info = "\x0a\x04" + duration;
  const std::string type = "type.googleapis.com/google.rpc.RetryInfo";
  const std::string any =
      "\x0a" + std::string(1, static_cast<char>(type.size())) + type + "\x12\x06" + info;
  const std::string size = text.size() < 128
                               ? std::string(1, static_cast<char>(text.size()))
                               : std::string{static_cast<char>(text.size() % 128 + 128),
                                             static_cast<char>(text.size() / 128)};
  return "\x08\x08\x12" + size + text + "\x1a" + std::string(1, static_cast<char>(any.size())) +
         any;
}

TEST_F(OtlpTest, OverTheRateOfSamplesAllIsToComeAgain) {
  Open({.max_samples_a_second = 1});
  for (int i = 0; i < 11; ++i) {
    auto& point = AtNow(AddMetric("g").mutable_gauge()->add_data_points());
    point.set_as_int(i);
    SetText(*point.add_attributes(), "i", std::to_string(i));
  }
  Export();  // 11 and target_info's, with room for ten: a debt of two seconds
  const http::Response response = Send(message_.SerializeAsString());
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "3");
  EXPECT_EQ(response.body,
            ThrottledBytes("12 samples refused (sample_rate): tenant default has written more "
                           "samples than it may in a second, its limit max-samples is 1",
                           3));
  EXPECT_EQ(Send("{\"resourceMetrics\":[]}", "application/json").status, 200);
  clock_.AdvanceMs(3'000);
  EXPECT_EQ(Send(message_.SerializeAsString()).status, 200);
}

TEST_F(OtlpTest, PointsOfSeriesOverALimitAreCounted) {
  Open({.max_label_value_bytes = 9});
  for (const char* value : {"short", "longer than that", "as long as this"}) {
    auto& point = AtNow(AddMetric("g").mutable_gauge()->add_data_points());
    point.set_as_int(1);
    SetText(*point.add_attributes(), "x", value);
  }
  const pb::ExportMetricsServiceResponse response = Export();
  EXPECT_EQ(response.partial_success().rejected_data_points(), 2);
  EXPECT_THAT(response.partial_success().error_message(),
              HasSubstr("has 16 bytes; the limit max-label-value-length of tenant default is 9"));
  EXPECT_THAT(Series("g"), ElementsAre(HasSubstr("x=\"short\"")));
}

TEST_F(OtlpTest, ReadsJsonAndGzip) {
  const std::string json = R"({"resourceMetrics":[{"resource":{"attributes":[
    {"key":"service.name","value":{"stringValue":"web"}}]},"schemaUrl":"x","scopeMetrics":[
    {"scope":{"name":"lib"},"metrics":[{"name":"hits","sum":{"isMonotonic":true,
    "aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1700006400000000000","asInt":"42",
    "attributes":[{"key":"n","value":{"intValue":"5"}}],
    "exemplars":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"EEE19B7EC3C1B174",
    "timeUnixNano":"1700006400000000000","asDouble":1}]}]}}]}]}]})";
  http::Response response = Send(json, "application/json; charset=utf-8");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{}");
  EXPECT_THAT(Series("hits_total"), ElementsAre(R"({job="web", n="5"} 42@0)"));
  EXPECT_THAT(write::StoredExemplars(store_->queryable(), kNowMs),
              ElementsAre(R"(1@0 {span_id="eee19b7ec3c1b174", )"
                          R"(trace_id="5b8efff798038103d269b633813fc60c"})"));

  AtNow(AddMetric("g").mutable_gauge()->add_data_points()).set_as_int(1);
  const std::string plain = message_.SerializeAsString();
  std::string packed(plain.size() + 100, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_EQ(Send(packed, "application/x-protobuf", "gzip").status, 200);
  EXPECT_THAT(Series("g"), ElementsAre(HasSubstr(" 1@0")));
}

TEST_F(OtlpTest, SaysWhatIsWrongInTheRequestsEncoding) {
  http::Response response = Send("{", "application/json");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_THAT(response.body, HasSubstr(R"({"code":3,"message":"the body is no )"));
  response = Send("\xff", "application/x-protobuf");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/x-protobuf");
  EXPECT_THAT(response.body, HasSubstr("the body is no ExportMetricsServiceRequest"));
  EXPECT_EQ(Send("", "text/plain").status, 415);
  EXPECT_EQ(Send("", "application/json", "br").status, 415);
  EXPECT_EQ(Send("no gzip", "application/json", "gzip").status, 400);
  EXPECT_EQ(Send("{}", "application/json").status, 200);
  EXPECT_EQ(Send("{}", "Application/JSON ; charset=utf-8", "Identity").status, 200);
}

// A server with nothing but the service.
class GrpcServer {
 public:
  GrpcServer(OtlpReceiver& receiver, std::shared_ptr<tls::Reloading<tls::TokenList>> tokens)
      : service_(MakeOtlpService(receiver, std::move(tokens))) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_.get());
    server_ = builder.BuildAndStart();
    stub_ = pb::MetricsService::NewStub(
        grpc::CreateChannel(fmt::format("127.0.0.1:{}", port), grpc::InsecureChannelCredentials()));
  }
  ~GrpcServer() { server_->Shutdown(); }

  grpc::Status Export(const pb::ExportMetricsServiceRequest& request,
                      const std::string& token = "") {
    grpc::ClientContext call;
    if (!token.empty()) call.AddMetadata("authorization", "Bearer " + token);
    return stub_->Export(&call, request, &response);
  }

  pb::ExportMetricsServiceResponse response;

 private:
  const std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<pb::MetricsService::Stub> stub_;
};

TEST_F(OtlpTest, IsAServiceOfGrpc) {
  GrpcServer server(*receiver_, nullptr);
  AtNow(AddMetric("g").mutable_gauge()->add_data_points()).set_as_int(1);
  AtNow(AddMetric("valueless").mutable_gauge()->add_data_points());
  const grpc::Status status = server.Export(message_);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(server.response.partial_success().rejected_data_points(), 1);
  EXPECT_THAT(Series("g"), ElementsAre(HasSubstr(" 1@0")));
}

TEST_F(OtlpTest, SaysByGrpcWhenToComeAgain) {
  Open({.max_new_series_a_minute = 2});
  GrpcServer server(*receiver_, nullptr);
  for (const char* metric : {"a", "b", "c"}) {
    AtNow(AddMetric(metric).mutable_gauge()->add_data_points()).set_as_int(1);
  }
  const grpc::Status status = server.Export(message_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("} is new; tenant default has begun "));
  // One of three and target_info's: two a minute.
  EXPECT_EQ(status.error_details(), ThrottledBytes(status.error_message(), 60));
  EXPECT_THAT(Series("a"), ElementsAre(HasSubstr(" 1@0")));
  EXPECT_THAT(Series("c"), IsEmpty());
  clock_.AdvanceMs(60'000);
  EXPECT_TRUE(server.Export(message_).ok());
  EXPECT_THAT(Series("c"), ElementsAre(HasSubstr(" 1@0")));
  EXPECT_THAT(Series("a"), ElementsAre(HasSubstr(" 1@0")));
}

TEST_F(OtlpTest, WantsATokenWhereThePortDoes) {
  std::ofstream(dir_.File("tokens")) << "a-token-that-is-long-enough-to-be-one\n";
  const auto security = tls::ServerSecurity::Open({}, {.tokens_file = dir_.File("tokens")}, "grpc",
                                                  clock_, registry_, "test");
  ASSERT_TRUE(security.ok()) << security.status();
  GrpcServer server(*receiver_, security->tokens);
  AtNow(AddMetric("g").mutable_gauge()->add_data_points()).set_as_int(1);
  EXPECT_EQ(server.Export(message_).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.Export(message_, "another-token").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(Series("g"), IsEmpty());
  EXPECT_TRUE(server.Export(message_, "a-token-that-is-long-enough-to-be-one").ok());
  EXPECT_THAT(Series("g"), ElementsAre(HasSubstr(" 1@0")));
}

}  // namespace
}  // namespace leadline::collector::remote::otlp
