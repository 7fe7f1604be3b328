// What there is to ask, for those who open the server in a browser: a line a path.
//
// Pure function, of the same routes as the OpenAPI document (openapi.h).
#pragma once

#include <string>

#include "absl/types/span.h"

#include "common/http/router.h"

namespace leadline::collector::api {

// Plain text. Paths are in the order of their routes, each with the summary of its first one.
std::string RouteList(absl::Span<const http::Route> routes);

}  // namespace leadline::collector::api
