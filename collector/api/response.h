// Answers in the form of Prometheus' HTTP API.
//
//   {"status":"success","data":…,"warnings":[…],"infos":[…]}
//   {"status":"error","errorType":"bad_data","error":"…"}
// Source: https://prometheus.io/docs/prometheus/3.0/querying/api/. Pure functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"

#include "collector/api/json_writer.h"
#include "collector/promql/value/result.h"
#include "common/http/message.h"
#include "common/labels.h"

namespace leadline::collector::promql {
struct QueryStats;
}

namespace leadline::collector::api {

// Of more warnings or infos than that only their number is told, as in Prometheus.
inline constexpr size_t kMaxRemarks = 10;

// `write_data` writes one JSON value.
http::Response Success(const std::function<void(JsonWriter&)>& write_data,
                       const promql::Annotations& annotations = {});

// The kind of error in Prometheus' words, and the status that it answers with: bad_data 400,
// execution 422, timeout and unavailable 503, canceled 499, internal 500.
struct ErrorKind {
  std::string_view type;
  int http_status;
};
ErrorKind KindOf(const absl::Status& error);

http::Response Error(const absl::Status& error);

void WriteLabels(const LabelSet& labels, JsonWriter& json);

// What a result takes, and its JSON, about.
struct ResultBytes {
  uint64_t held = 0;
  uint64_t json = 0;
};
ResultBytes BytesOf(const promql::QueryResult& result);

// What is told of the statistics of a query.
enum class StatsDetail : uint8_t { kNone, kTotals, kBySteps };

// {"resultType":…,"result":…}
void WriteResult(const promql::QueryResult& result, const promql::QueryStats& stats,
                 StatsDetail detail, JsonWriter& json);

}  // namespace leadline::collector::api
