// Building request targets.
#pragma once

#include <string>
#include <string_view>

namespace leadline::kube {

// Everything but RFC 3986's unreserved characters as %XX, for a path segment or a query value.
std::string PercentEncode(std::string_view text);

}  // namespace leadline::kube
