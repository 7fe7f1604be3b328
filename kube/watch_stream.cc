#include "kube/watch_stream.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/line_splitter.h"
#include "kube/url.h"

namespace leadline::kube {
namespace {

std::string Target(const Resource& resource, const WatchRequest& request) {
  std::string target =
      fmt::format("{}?watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                  resource.path, PercentEncode(request.resource_version), request.timeout_s);
  if (!resource.field_selector.empty()) {
    target += fmt::format("&fieldSelector={}", PercentEncode(resource.field_selector));
  }
  return target;
}

WatchEnd EndOfTransport(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return WatchEnd::kStopped;
    case absl::StatusCode::kDeadlineExceeded:
      return WatchEnd::kSilent;
    default:
      return WatchEnd::kBrokenOff;
  }
}

WatchEnd EndOfError(const absl::Status& error) {
  return error.code() == absl::StatusCode::kOutOfRange ? WatchEnd::kGone : WatchEnd::kRefused;
}

}  // namespace

std::string_view WatchEndName(WatchEnd end) {
  switch (end) {
    case WatchEnd::kClosed:
      return "closed";
    case WatchEnd::kGone:
      return "gone";
    case WatchEnd::kUnreadable:
      return "unreadable";
    case WatchEnd::kTruncated:
      return "truncated";
    case WatchEnd::kSilent:
      return "silent";
    case WatchEnd::kBrokenOff:
      return "broken_off";
    case WatchEnd::kRefused:
      return "refused";
    case WatchEnd::kStopped:
      return "stopped";
  }
  return "unknown";
}

bool WatchResult::MustList() const {
  if (end == WatchEnd::kRefused) {
    return status.code() != absl::StatusCode::kUnavailable &&
           status.code() != absl::StatusCode::kResourceExhausted;
  }
  return end == WatchEnd::kGone || end == WatchEnd::kUnreadable;
}

WatchResult ReadWatch(HttpSession& session, const Resource& resource, const WatchRequest& request,
                      absl::FunctionRef<void(WatchEvent)> on_event) {
  const HttpRequest http = {.target = Target(resource, request),
                            .max_silence_ms = request.max_silence_ms};
  LineSplitter lines(request.max_event_bytes);
  std::string error_body;
  std::optional<WatchEnd> end;  // as what was read has it
  const auto on_line = [&](std::string_view line) -> absl::Status {
    LL_ASSIGN_OR_RETURN(WatchEvent event, DecodeWatchEvent(line, resource));
    absl::Status error = event.error;
    if (!error.ok()) end = EndOfError(error);
    on_event(std::move(event));
    return error;
  };
  const auto sink = [&](int http_status, std::string_view chunk) {
    if (http_status != 200) {
      error_body += chunk.substr(0, kMaxErrorBodyBytes - error_body.size());
      return absl::OkStatus();
    }
    absl::Status status = lines.Append(chunk, on_line);
    if (!status.ok() && !end) end = WatchEnd::kUnreadable;
    return status;
  };
  const auto response = session.Get(http, sink);
  if (end) return {*end, response.status()};
  if (!response.ok()) return {EndOfTransport(response.status()), response.status()};
  if (response->status != 200) {
    absl::Status status = StatusFromHttp(http.target, response->status, error_body);
    return {EndOfError(status), std::move(status), response->retry_after_ms};
  }
  if (lines.unfinished_bytes() > 0) {
    return {WatchEnd::kTruncated, absl::UnavailableError("a watch ended within an event")};
  }
  return {};
}

}  // namespace leadline::kube
