#include "collector/promql/functions/elements.h"

#include <cmath>
#include <numbers>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

#include "collector/promql/value/floats.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {
namespace {

// As Go's math.Max and math.Min: NaN if one is, but for infinity in the direction asked for.
double Max(double a, double b) {
  if (a == kInfinity || b == kInfinity) return kInfinity;
  if (std::isnan(a) || std::isnan(b)) return kNan;
  return a > b ? a : b;
}

double Min(double a, double b) { return -Max(-a, -b); }

template <typename Field>
double OfTime(double seconds, Field field) {
  constexpr double kFarSeconds = 9e15;  // further away than a year of four digits, or of nine
  if (!(std::fabs(seconds) < kFarSeconds)) return kNan;
  const absl::Time time = absl::FromUnixSeconds(static_cast<int64_t>(seconds));
  return static_cast<double>(field(absl::ToCivilSecond(time, absl::UTCTimeZone())));
}

}  // namespace

double Abs(double value, Parameters) { return std::fabs(value); }
double Acos(double value, Parameters) { return std::acos(value); }
double Acosh(double value, Parameters) { return std::acosh(value); }
double Asin(double value, Parameters) { return std::asin(value); }
double Asinh(double value, Parameters) { return std::asinh(value); }
double Atan(double value, Parameters) { return std::atan(value); }
double Atanh(double value, Parameters) { return std::atanh(value); }
double Ceil(double value, Parameters) { return std::ceil(value); }

double Clamp(double value, Parameters min_and_max) {
  const double min = min_and_max[0];
  const double max = min_and_max[1];
  return max < min ? AbsentValue() : Max(min, Min(max, value));
}

double ClampMax(double value, Parameters max) { return Min(max[0], value); }
double ClampMin(double value, Parameters min) { return Max(min[0], value); }
double Cos(double value, Parameters) { return std::cos(value); }
double Cosh(double value, Parameters) { return std::cosh(value); }
double Degrees(double value, Parameters) { return value * 180 / std::numbers::pi; }
double Exp(double value, Parameters) { return std::exp(value); }
double Floor(double value, Parameters) { return std::floor(value); }
double Ln(double value, Parameters) { return std::log(value); }
double Log10(double value, Parameters) { return std::log10(value); }
double Log2(double value, Parameters) { return std::log2(value); }
double Radians(double value, Parameters) { return value * std::numbers::pi / 180; }

double Round(double value, Parameters to_nearest) {
  const double inverse = 1 / (to_nearest.empty() ? 1.0 : to_nearest[0]);
  return std::floor(value * inverse + 0.5) / inverse;
}

double Sgn(double value, Parameters) {
  if (value > 0) return 1;
  return value < 0 ? -1 : value;
}

double Sin(double value, Parameters) { return std::sin(value); }
double Sinh(double value, Parameters) { return std::sinh(value); }
double Sqrt(double value, Parameters) { return std::sqrt(value); }
double Tan(double value, Parameters) { return std::tan(value); }
double Tanh(double value, Parameters) { return std::tanh(value); }

double DayOfMonth(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return time.day(); });
}

double DayOfWeek(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) {
    return (static_cast<int>(absl::GetWeekday(time)) + 1) % 7;  // Abseil's begins with Monday
  });
}

double DayOfYear(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return absl::GetYearDay(time); });
}

double DaysInMonth(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) {
    const absl::CivilMonth month(time);
    return absl::CivilDay(month + 1) - absl::CivilDay(month);
  });
}

double Hour(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return time.hour(); });
}

double Minute(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return time.minute(); });
}

double Month(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return time.month(); });
}

double Year(double seconds, Parameters) {
  return OfTime(seconds, [](absl::CivilSecond time) { return time.year(); });
}

}  // namespace leadline::collector::promql
