#include "collector/promql/value/number_text.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace leadline::collector::promql {

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  const double magnitude = std::fabs(value);
  if (magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6)) return fmt::format("{}", value);
  std::string digits;
  for (int precision = 0; precision < 17; ++precision) {
    digits = fmt::format("{:.{}e}", value, precision);
    if (std::strtod(digits.c_str(), nullptr) == value) break;
  }
  return digits;
}

}  // namespace leadline::collector::promql
