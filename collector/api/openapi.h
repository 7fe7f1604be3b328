// The OpenAPI document of the server, derived from its routes.
//
// A route cannot lack its entry: the entry is the route. Pure function.
// Source: https://spec.openapis.org/oas/v3.1.0.
#pragma once

#include <string>

#include "absl/types/span.h"

#include "common/http/router.h"

namespace leadline::collector::api {

// JSON. REQUIRES: the schemas that the routes name are in schemas.h.
std::string OpenApiDocument(absl::Span<const http::Route> routes);

}  // namespace leadline::collector::api
