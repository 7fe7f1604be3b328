// HTTP methods by name: those of RFC 9110, 5789 (PATCH) and what OpenTelemetry's convention adds;
// others are "_OTHER".
#pragma once

#include <string_view>

namespace leadline::agent::protocols::normalise {

// In static storage.
std::string_view KnownMethod(std::string_view method);

}  // namespace leadline::agent::protocols::normalise
