// Numbers as Go prints them with %g: as short as they can be, with an exponent from 1e+06 and below
// 1e-04. Pure function.
#pragma once

#include <string>

namespace leadline::collector::promql {

std::string NumberText(double value);

}  // namespace leadline::collector::promql
