#include "common/http/cors.h"

#include <utility>

#include <fmt/format.h>
#include <re2/re2.h>

namespace leadline::http {
namespace {

constexpr const char* kAnyOrigin = ".*";

}  // namespace

Cors::Cors(std::unique_ptr<re2::RE2> origins) : origins_(std::move(origins)) {}
Cors::Cors(Cors&&) noexcept = default;
Cors& Cors::operator=(Cors&&) noexcept = default;
Cors::~Cors() = default;

absl::StatusOr<Cors> Cors::Make(const std::string& origins) {
  if (origins.empty()) return Cors(nullptr);
  auto compiled = std::make_unique<re2::RE2>(origins, re2::RE2::Quiet);
  if (!compiled->ok()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no regular expression of origins: {}", origins, compiled->error()));
  }
  return Cors(std::move(compiled));
}

void Cors::AddHeaders(const Request& request, Response& response) const {
  if (origins_ == nullptr) return;
  const std::string origin(request.GetHeader("Origin"));
  if (origin.empty()) return;
  response.headers.emplace_back("Vary", "Origin");
  const bool any = origins_->pattern() == kAnyOrigin;
  if (!any && !re2::RE2::FullMatch(origin, *origins_)) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                "Accept, Authorization, Content-Type, Origin");
  response.headers.emplace_back("Access-Control-Expose-Headers", "Date");
}

}  // namespace leadline::http
