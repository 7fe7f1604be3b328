#include "common/http/router.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/utf8.h"

namespace leadline::http {
namespace {

// Takes the first segment off `path`, which begins with '/'.
std::string_view TakeSegment(std::string_view& path) {
  const std::string_view segment = path.substr(1, path.find('/', 1) - 1);
  path.remove_prefix(segment.size() + 1);
  return segment;
}

bool IsCapture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::optional<std::vector<std::string>> Captures(std::string_view pattern, std::string_view path) {
  std::vector<std::string> captures;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = TakeSegment(pattern);
    const std::string_view have = TakeSegment(path);
    if (IsCapture(want) && !have.empty()) {
      captures.emplace_back(have);
    } else if (want != have) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return captures;
}

bool TakesForm(const Route& route) {
  return route.method == "POST" && !route.about.parameters.empty() && route.about.body.empty() &&
         route.handler != nullptr;
}

// What is wrong with a body that has no parameters for us; "" where there are some, or it has none.
std::string WhyUnread(const Request& request) {
  if (request.body.empty() || !request.query.empty()) return "";
  const std::string_view type = request.GetHeader("Content-Type");
  if (!IsForm(type)) {
    return fmt::format("parameters are taken from {} or the URL, and this is {}", kFormType,
                       type.empty() ? "of no Content-Type" : ToValidUtf8(type));
  }
  const std::string_view coding = request.GetHeader("Content-Encoding");
  if (coding.empty() || EqualsIgnoringCase(coding, "identity")) return "";
  return fmt::format("a form is not taken in the encoding {}", ToValidUtf8(coding));
}

Handler OfForms(Handler handler) {
  return [handler = std::move(handler)](const Request& request) {
    const std::string why = WhyUnread(request);
    if (why.empty()) return handler(request);
    return Response{.status = 415, .body = fmt::format("415 unsupported media type: {}\n", why)};
  };
}

}  // namespace

void Router::Add(Route route) {
  if (TakesForm(route)) route.handler = OfForms(std::move(route.handler));
  routes_.push_back(std::move(route));
}

Router::Match Router::Find(Request& request) const {
  std::vector<std::string> allowed;
  std::string_view known_route = "other";
  if (request.path.starts_with('/')) {
    for (const Route& route : routes_) {
      auto captures = Captures(route.pattern, request.path);
      if (!captures.has_value()) continue;
      known_route = route.pattern;
      if (request.method == route.method || (request.method == "HEAD" && route.method == "GET")) {
        request.captures = *std::move(captures);
        return {route.pattern, route.load,     route.handler,
                route.open,    route.deferred, route.max_body_bytes};
      }
      allowed.push_back(route.method);
    }
  }
  if (!allowed.empty()) allowed.emplace_back("OPTIONS");
  if (allowed.empty()) {
    return {known_route,
            Load::kLight,
            [](const Request&) { return Response{.status = 404, .body = "404 page not found\n"}; },
            false,
            {}};
  }
  return {known_route,
          Load::kLight,
          [allow = fmt::format("{}", fmt::join(allowed, ", "))](const Request& asked) {
            if (asked.method == "OPTIONS") {
              return Response{.status = 204, .headers = {{"Allow", allow}}};
            }
            return Response{
                .status = 405, .body = "405 method not allowed\n", .headers = {{"Allow", allow}}};
          },
          // Browsers ask by OPTIONS whether they may send a token.
          request.method == "OPTIONS",
          {}};
}

}  // namespace leadline::http
