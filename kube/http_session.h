// GET requests to an API server over one kept-alive connection.
//
// Get is called by one thread, Stop by any. Redirects are not followed, so that the token goes
// nowhere else; a proxy is used only where the configuration names one. Source: libcurl's multi
// interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "kube/client_config.h"

namespace leadline::kube {

// Of the body of an answer that is no 200, as much is kept to say what is wrong.
constexpr size_t kMaxErrorBodyBytes = size_t{64} << 10;
// For one small object, which a server that is well has at hand.
constexpr int64_t kObjectMaxSilenceMs = 10'000;

struct HttpRequest {
  std::string target;  // path and query: "/api/v1/pods?watch=1"
  std::string accept = "application/json";
  // No byte for so long is DEADLINE_EXCEEDED, also while connecting.
  int64_t max_silence_ms = 60'000;
};

struct HttpResponse {
  int status = 0;
  int64_t retry_after_ms = 0;  // 0 where the server did not ask for a pause; at most 5 minutes
};

class HttpSession {
 public:
  // Receives the body as it comes, with the HTTP status; an error ends the transfer and is what
  // Get returns.
  using Sink = absl::FunctionRef<absl::Status(int http_status, std::string_view chunk)>;

  // INVALID_ARGUMENT as from Validate(config).
  static absl::StatusOr<std::unique_ptr<HttpSession>> Open(ClientConfig config);
  ~HttpSession();

  // OK for every HTTP status once the body has ended. UNAVAILABLE when the server cannot be reached
  // or breaks off, DEADLINE_EXCEEDED after silence, UNAUTHENTICATED when the token file cannot be
  // read or the source of credentials has none, CANCELLED after Stop.
  absl::StatusOr<HttpResponse> Get(const HttpRequest& request, Sink sink);

  // The body of a 200, at most `max_body_bytes` (RESOURCE_EXHAUSTED beyond). Another HTTP status
  // becomes StatusFromHttp's; `response`, where given, is set in either case.
  absl::StatusOr<std::string> GetBody(const HttpRequest& request, size_t max_body_bytes,
                                      HttpResponse* response = nullptr);

  // Ends a running Get at once; later ones do not start.
  void Stop();

 private:
  struct State;
  explicit HttpSession(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// What an HTTP status other than 200 means: UNAUTHENTICATED 401, PERMISSION_DENIED 403, NOT_FOUND
// 404, OUT_OF_RANGE 410 (a resourceVersion or continue token that is too old), RESOURCE_EXHAUSTED
// 429, DEADLINE_EXCEEDED 504, UNAVAILABLE other 5xx, INVALID_ARGUMENT other 4xx, INTERNAL the rest.
// The text is that of the Status object in `body` where there is one.
absl::Status StatusFromHttp(std::string_view target, int http_status, std::string_view body);

}  // namespace leadline::kube
