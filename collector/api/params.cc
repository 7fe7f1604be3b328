#include "collector/api/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "collector/promql/series_selector.h"
#include "common/duration.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::api {
namespace {

std::optional<double> ParseDouble(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseTimeMs(std::string_view text) {
  constexpr auto kFar = static_cast<double>(kFarMs);
  if (const auto seconds = ParseDouble(text)) {
    if (std::isnan(*seconds)) return std::nullopt;
    // As Prometheus rounds: the fraction alone, which tells of half a millisecond what it is
    // nearer.
    double whole = 0;
    const double fraction = std::modf(*seconds, &whole);
    return std::llround(std::clamp(whole * 1000 + std::round(fraction * 1000), -kFar, kFar));
  }
  absl::Time time;
  std::string error;
  // The format takes "infinite-future" and leading blanks too, which are no part of RFC 3339.
  if (text.empty() || text.front() < '0' || text.front() > '9' ||
      !absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &time,
                       &error)) {
    return std::nullopt;
  }
  return std::clamp(absl::ToUnixMillis(time), -kFarMs, kFarMs);
}

std::optional<absl::Duration> ParseSeconds(std::string_view text) {
  if (const auto seconds = ParseDouble(text)) {
    constexpr double kMaxSeconds = 9'223'372'036.0;  // Go's: what fits 64 bits of nanoseconds
    if (!(std::fabs(*seconds) <= kMaxSeconds)) return std::nullopt;
    return absl::Seconds(*seconds);
  }
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  if (!duration.ok()) return std::nullopt;
  return *duration;
}

}  // namespace

absl::Status BadParameter(std::string_view name, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("invalid parameter \"{}\": {}", name, why));
}

absl::Status InOrder(int64_t start_ms, int64_t end_ms) {
  if (start_ms <= end_ms) return absl::OkStatus();
  return BadParameter("end", "end timestamp must not be before start time");
}

absl::Status AboutQuery(const absl::Status& error) {
  if (error.code() != absl::StatusCode::kInvalidArgument &&
      error.code() != absl::StatusCode::kUnimplemented) {
    return error;
  }
  return BadParameter("query", StatusMessage(error));
}

absl::StatusOr<int64_t> TimeParam(const http::Params& params, std::string_view name) {
  const std::string_view text = params.First(name).value_or("");
  const auto ms = ParseTimeMs(text);
  if (ms.has_value()) return *ms;
  return BadParameter(name, fmt::format("cannot parse \"{}\" to a valid timestamp", text));
}

absl::StatusOr<int64_t> TimeParamOr(const http::Params& params, std::string_view name,
                                    int64_t missing_ms) {
  const std::string_view text = params.First(name).value_or("");
  if (text.empty()) return missing_ms;
  const auto ms = ParseTimeMs(text);
  if (ms.has_value()) return *ms;
  return BadParameter(name, fmt::format("Invalid time value for '{}': cannot parse \"{}\" to a "
                                        "valid timestamp",
                                        name, text));
}

absl::StatusOr<absl::Duration> DurationParam(const http::Params& params, std::string_view name) {
  const std::string_view text = params.First(name).value_or("");
  const auto duration = ParseSeconds(text);
  if (duration.has_value()) return *duration;
  return BadParameter(name, fmt::format("cannot parse \"{}\" to a valid duration", text));
}

absl::StatusOr<absl::Duration> DurationParamOr(const http::Params& params, std::string_view name,
                                               absl::Duration missing) {
  if (params.First(name).value_or("").empty()) return missing;
  return DurationParam(params, name);
}

absl::StatusOr<size_t> LimitParam(const http::Params& params, std::string_view name) {
  const std::string_view text = params.First(name).value_or("");
  if (text.empty()) return 0;
  size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (text.starts_with('-'))
    return BadParameter(name, fmt::format("{} must be non-negative", name));
  if (error != std::errc() || end != text.data() + text.size()) {
    return BadParameter(name, fmt::format("cannot parse \"{}\" to a number", text));
  }
  return limit;
}

absl::StatusOr<store::SeriesFilter> FilterParams(const http::Params& params, bool needs_match) {
  store::SeriesFilter filter;
  for (const std::string& match : params.All("match[]")) {
    auto matchers = promql::ParseSeriesSelector(match);
    if (!matchers.ok()) return BadParameter("match[]", StatusMessage(matchers.status()));
    filter.selectors.push_back(*std::move(matchers));
  }
  if (needs_match && filter.selectors.empty()) {
    return absl::InvalidArgumentError("no match[] parameter provided");
  }
  LL_ASSIGN_OR_RETURN(filter.start_ms, TimeParamOr(params, "start", -kFarMs));
  LL_ASSIGN_OR_RETURN(filter.end_ms, TimeParamOr(params, "end", kFarMs));
  LL_RETURN_IF_ERROR(InOrder(filter.start_ms, filter.end_ms));
  return filter;
}

}  // namespace leadline::collector::api
