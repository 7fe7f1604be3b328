// What the samples of a range come to: *_over_time, changes and resets. Times (TsOf…) are in
// seconds.
//
// Where only floats make sense histograms are left out, with a remark. Source: Prometheus 3's
// promql/functions.go.
#pragma once

#include <string>

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {

Sample AvgOverTime(const Window& window);
Sample Changes(const Window& window);
Sample CountOverTime(const Window& window);
Sample FirstOverTime(const Window& window);
Sample LastOverTime(const Window& window);
Sample MadOverTime(const Window& window);
Sample MaxOverTime(const Window& window);
Sample MinOverTime(const Window& window);
Sample PresentOverTime(const Window& window);
Sample QuantileOverTime(const Window& window);  // parameter: the quantile
std::string QuantileWarning(double q);          // "" where it is one
Sample Resets(const Window& window);
Sample StddevOverTime(const Window& window);
Sample StdvarOverTime(const Window& window);
Sample SumOverTime(const Window& window);
Sample TsOfFirstOverTime(const Window& window);
Sample TsOfLastOverTime(const Window& window);
Sample TsOfMaxOverTime(const Window& window);  // the last of equal ones
Sample TsOfMinOverTime(const Window& window);

}  // namespace leadline::collector::promql
