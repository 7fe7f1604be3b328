// Functions from a float to a float: arithmetic, trigonometry, the calendar (UTC, of seconds since
// the Unix epoch).
#pragma once

#include "absl/types/span.h"

namespace leadline::collector::promql {

using Parameters = absl::Span<const double>;

double Abs(double value, Parameters);
double Acos(double value, Parameters);
double Acosh(double value, Parameters);
double Asin(double value, Parameters);
double Asinh(double value, Parameters);
double Atan(double value, Parameters);
double Atanh(double value, Parameters);
double Ceil(double value, Parameters);
double Clamp(double value, Parameters min_and_max);  // absent where min > max
double ClampMax(double value, Parameters max);
double ClampMin(double value, Parameters min);
double Cos(double value, Parameters);
double Cosh(double value, Parameters);
double Degrees(double value, Parameters);
double Exp(double value, Parameters);
double Floor(double value, Parameters);
double Ln(double value, Parameters);
double Log10(double value, Parameters);
double Log2(double value, Parameters);
double Radians(double value, Parameters);
double Round(double value, Parameters to_nearest);  // 1 where there is none
double Sgn(double value, Parameters);
double Sin(double value, Parameters);
double Sinh(double value, Parameters);
double Sqrt(double value, Parameters);
double Tan(double value, Parameters);
double Tanh(double value, Parameters);

// NaN for what is no time.
double DayOfMonth(double seconds, Parameters);
double DayOfWeek(double seconds, Parameters);  // Sunday is 0
double DayOfYear(double seconds, Parameters);
double DaysInMonth(double seconds, Parameters);
double Hour(double seconds, Parameters);
double Minute(double seconds, Parameters);
double Month(double seconds, Parameters);
double Year(double seconds, Parameters);

}  // namespace leadline::collector::promql
