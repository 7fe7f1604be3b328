// The version of the programs, from project() in CMakeLists.txt.
#pragma once

#include <string_view>

namespace leadline {

inline constexpr std::string_view kVersion = LEADLINE_VERSION;

}  // namespace leadline
