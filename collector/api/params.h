// The parameters of Prometheus' HTTP API.
//
// Errors: INVALID_ARGUMENT in Prometheus' words, `invalid parameter "step": cannot parse "x" to a
// valid duration`. Times are milliseconds since the Unix epoch. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/store/store.h"
#include "common/http/message.h"

namespace leadline::collector::api {

// Times beyond this are brought to it: no data is further away, and nothing overflows.
inline constexpr int64_t kFarMs = 8'640'000'000'000'000;

// `invalid parameter "name": why`.
absl::Status BadParameter(std::string_view name, std::string_view why);
// An error of "end" unless it is `start_ms` or after it.
absl::Status InOrder(int64_t start_ms, int64_t end_ms);
// What the engine says about the query itself is about the parameter "query".
absl::Status AboutQuery(const absl::Status& error);

// Unix seconds with any fraction, or RFC 3339.
absl::StatusOr<int64_t> TimeParam(const http::Params& params, std::string_view name);
absl::StatusOr<int64_t> TimeParamOr(const http::Params& params, std::string_view name,
                                    int64_t missing_ms);

// Seconds with any fraction, or a duration such as 1h30m.
absl::StatusOr<absl::Duration> DurationParam(const http::Params& params, std::string_view name);
absl::StatusOr<absl::Duration> DurationParamOr(const http::Params& params, std::string_view name,
                                               absl::Duration missing);

// 0 where it is missing.
absl::StatusOr<size_t> LimitParam(const http::Params& params, std::string_view name = "limit");

// match[], start, end. `needs_match`: at least one match[] must be there.
absl::StatusOr<store::SeriesFilter> FilterParams(const http::Params& params, bool needs_match);

}  // namespace leadline::collector::api
