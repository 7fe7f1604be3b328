// Blanks and backslashes in the fields of /proc/PID/mounts and mountinfo, written as \040 and the
// like. Thread-safe. Source: proc(5).
#pragma once

#include <string>
#include <string_view>

namespace leadline::agent::source {

std::string UnescapeMountField(std::string_view field);

}  // namespace leadline::agent::source
