// Cross-origin requests: which web pages may read the answers, as Prometheus has it.
//
// Thread-safe. Source: https://fetch.spec.whatwg.org/#http-cors-protocol, Prometheus' flag
// web.cors.origin.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "common/http/message.h"

namespace re2 {
class RE2;
}

namespace leadline::http {

class Cors {
 public:
  // `origins` is a regular expression (RE2's syntax) that the whole origin must match; ".*" is any,
  // "" none. INVALID_ARGUMENT when it is no regular expression.
  static absl::StatusOr<Cors> Make(const std::string& origins);
  Cors(Cors&&) noexcept;
  Cors& operator=(Cors&&) noexcept;
  ~Cors();

  // Adds the headers for the request's Origin; none where it has none or none are allowed.
  void AddHeaders(const Request& request, Response& response) const;

 private:
  explicit Cors(std::unique_ptr<re2::RE2> origins);

  std::unique_ptr<re2::RE2> origins_;  // nullptr: none
};

}  // namespace leadline::http
