#include "collector/api/response.h"

#include <set>
#include <string>

#include <fmt/format.h>

#include "collector/promql/engine.h"
#include "common/status_text.h"

namespace leadline::collector::api {
namespace {

using promql::Histogram;
using promql::QueryResult;
using promql::ResultSeries;

constexpr std::string_view kJson = "application/json";

// `key` in the plural.
void WriteRemarks(std::string_view key, const std::set<std::string>& remarks, JsonWriter& json) {
  if (remarks.empty()) return;
  json.Key(key);
  json.BeginArray();
  size_t written = 0;
  for (auto remark = remarks.begin(); remark != remarks.end() && written < kMaxRemarks; ++remark) {
    json.String(*remark);
    ++written;
  }
  if (remarks.size() > kMaxRemarks) {
    json.String(fmt::format("{} more {} annotations omitted", remarks.size() - kMaxRemarks,
                            key.substr(0, key.size() - 1)));
  }
  json.EndArray();
}

// Which ends belong to the bucket, as the API numbers them.
int EndsOf(const promql::BoundedBucket& bucket) {
  if (bucket.has_lower) return bucket.has_upper ? 3 : 1;
  return bucket.has_upper ? 0 : 2;
}

// From the lowest bucket to the highest; without any there is no key, as in Prometheus.
void WriteHistogram(const Histogram& histogram, JsonWriter& json) {
  json.BeginObject();
  json.Key("count");
  json.SampleValue(histogram.count);
  json.Key("sum");
  json.SampleValue(histogram.sum);
  bool any = false;
  promql::ForEachBucket(histogram, [&json, &any](const promql::BoundedBucket& bucket) {
    if (bucket.count == 0) return;
    if (!any) {
      json.Key("buckets");
      json.BeginArray();
      any = true;
    }
    json.BeginArray();
    json.Integer(EndsOf(bucket));
    json.SampleValue(bucket.lower);
    json.SampleValue(bucket.upper);
    json.SampleValue(bucket.count);
    json.EndArray();
  });
  if (any) json.EndArray();
  json.EndObject();
}

void WriteHistogramPoint(const ResultSeries& series, size_t i, JsonWriter& json) {
  json.BeginArray();
  json.Time(series.histogram_ts_ms[i]);
  WriteHistogram(*series.histograms[i], json);
  json.EndArray();
}

void WriteVectorSeries(const ResultSeries& series, JsonWriter& json) {
  if (!series.values.empty()) {
    json.Key("value");
    json.Point(series.ts_ms[0], series.values[0]);
  } else {
    json.Key("histogram");
    WriteHistogramPoint(series, 0, json);
  }
}

void WriteMatrixSeries(const ResultSeries& series, JsonWriter& json) {
  if (!series.values.empty()) {
    json.Key("values");
    json.Points(series.ts_ms, series.values);
  }
  if (!series.histograms.empty()) {
    json.Key("histograms");
    json.BeginArray();
    for (size_t i = 0; i < series.histograms.size(); ++i) WriteHistogramPoint(series, i, json);
    json.EndArray();
  }
}

void WriteSampleStats(const promql::QueryStats& stats, StatsDetail detail, JsonWriter& json) {
  uint64_t total = 0;
  for (const uint64_t at_step : stats.samples_looked_at) total += at_step;
  json.BeginObject();
  if (detail == StatsDetail::kBySteps) {
    json.Key("totalQueryableSamplesPerStep");
    json.BeginArray();
    int64_t ts_ms = stats.start_ms;
    for (const uint64_t at_step : stats.samples_looked_at) {
      json.BeginArray();
      json.Time(ts_ms);
      json.Integer(static_cast<int64_t>(at_step));
      json.EndArray();
      ts_ms += stats.step_ms;
    }
    json.EndArray();
  }
  for (const auto& [key, samples] :
       {std::pair{"totalQueryableSamples", total}, std::pair{"samplesRead", stats.samples_read},
        std::pair{"peakSamples", stats.peak_samples}}) {
    json.Key(key);
    json.Integer(static_cast<int64_t>(samples));
  }
  json.EndObject();
}

void WriteStats(const promql::QueryStats& stats, StatsDetail detail, JsonWriter& json) {
  const double evaluation = stats.preparation_seconds + stats.evaluation_seconds;
  json.Key("stats");
  json.BeginObject();
  json.Key("timings");
  json.BeginObject();
  for (const auto& [key, seconds] :
       {std::pair{"evalTotalTime", evaluation},
        std::pair{"queryPreparationTime", stats.preparation_seconds},
        std::pair{"innerEvalTime", stats.evaluation_seconds},
        std::pair{"execQueueTime", stats.queue_seconds},
        std::pair{"execTotalTime", stats.queue_seconds + evaluation}}) {
    json.Key(key);
    json.Raw(fmt::format("{:.9f}", seconds));
  }
  json.EndObject();
  json.Key("samples");
  WriteSampleStats(stats, detail, json);
  json.EndObject();
}

std::string_view TypeName(QueryResult::Type type) {
  switch (type) {
    case QueryResult::Type::kScalar:
      return "scalar";
    case QueryResult::Type::kString:
      return "string";
    case QueryResult::Type::kVector:
      return "vector";
    case QueryResult::Type::kMatrix:
      return "matrix";
  }
  return "";
}

}  // namespace

http::Response Success(const std::function<void(JsonWriter&)>& write_data,
                       const promql::Annotations& annotations) {
  http::Response response;
  response.content_type = kJson;
  JsonWriter json(response.body);
  json.BeginObject();
  json.Key("status");
  json.String("success");
  json.Key("data");
  write_data(json);
  WriteRemarks("warnings", annotations.warnings, json);
  WriteRemarks("infos", annotations.infos, json);
  json.EndObject();
  return response;
}

ErrorKind KindOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return {"bad_data", 400};
    case absl::StatusCode::kNotFound:
      return {"not_found", 404};
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return {"execution", 422};
    case absl::StatusCode::kDeadlineExceeded:
      return {"timeout", 503};
    case absl::StatusCode::kCancelled:
      return {"canceled", 499};  // as Prometheus 3 and nginx: the client closed the connection
    case absl::StatusCode::kUnavailable:
      return {"unavailable", 503};
    default:
      return {"internal", 500};
  }
}

http::Response Error(const absl::Status& error) {
  const ErrorKind kind = KindOf(error);
  http::Response response;
  response.status = kind.http_status;
  response.content_type = kJson;
  JsonWriter json(response.body);
  json.BeginObject();
  json.Key("status");
  json.String("error");
  json.Key("errorType");
  json.String(kind.type);
  json.Key("error");
  json.String(StatusMessage(error));
  json.EndObject();
  return response;
}

void WriteLabels(const LabelSet& labels, JsonWriter& json) {
  json.BeginObject();
  for (const Label& label : labels) {
    json.Key(label.name);
    json.String(label.value);
  }
  json.EndObject();
}

ResultBytes BytesOf(const QueryResult& result) {
  constexpr uint64_t kPointBytes = 24;
  constexpr uint64_t kSampleBytes = 16;
  constexpr uint64_t kBucketBytes = 40;
  constexpr uint64_t kLabelsBytes = 256;
  ResultBytes bytes;
  for (const ResultSeries& series : result.series) {
    bytes.held += sizeof(series) + kLabelsBytes + series.values.size() * kSampleBytes;
    bytes.json += kLabelsBytes + series.values.size() * kPointBytes;
    for (const auto& histogram : series.histograms) {
      const size_t buckets = histogram->positive.size() + histogram->negative.size();
      bytes.held += sizeof(Histogram) + buckets * sizeof(double);
      bytes.json += 2 * kPointBytes + buckets * kBucketBytes;
    }
  }
  return bytes;
}

void WriteResult(const QueryResult& result, const promql::QueryStats& stats, StatsDetail detail,
                 JsonWriter& json) {
  json.Reserve(BytesOf(result).json);
  json.BeginObject();
  json.Key("resultType");
  json.String(TypeName(result.type));
  json.Key("result");
  json.BeginArray();
  if (result.type == QueryResult::Type::kScalar || result.type == QueryResult::Type::kString) {
    json.Time(result.ts_ms);
    if (result.type == QueryResult::Type::kScalar) {
      json.ScalarValue(result.scalar);
    } else {
      json.String(result.string);
    }
  }
  for (const ResultSeries& series : result.series) {
    json.BeginObject();
    json.Key("metric");
    WriteLabels(series.labels, json);
    if (result.type == QueryResult::Type::kVector) {
      WriteVectorSeries(series, json);
    } else {
      WriteMatrixSeries(series, json);
    }
    json.EndObject();
  }
  json.EndArray();
  if (detail != StatsDetail::kNone) WriteStats(stats, detail, json);
  json.EndObject();
}

}  // namespace leadline::collector::api
