// JSON as YAML for people: blocks for objects and for lists of them, one line for a list of plain
// values.
//
// Every string is quoted, so that none becomes a number or a boolean. Pure function.
// Source: YAML 1.2.2, which takes JSON's strings as they are.
#pragma once

#include <ostream>
#include <string_view>

#include "absl/status/status.h"

namespace leadline::cli {

// INVALID_ARGUMENT where it is no JSON; nothing is printed then.
absl::Status PrintYaml(std::string_view json, std::ostream& out);

}  // namespace leadline::cli
