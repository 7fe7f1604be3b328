// Floats that have names.
#pragma once

#include <limits>

namespace leadline::collector::promql {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace leadline::collector::promql
