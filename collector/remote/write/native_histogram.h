// Histograms of remote write, the same message in both versions, -> the model's.
//
// A message that is a histogram in form but none in substance (bucket spans that do not fit the
// counts, a count that falls below nothing) is parsed and says so in HistogramSample::error; it is
// refused alone. Of counts as floats, as Prometheus has it, those of buckets must not be negative,
// and need not add up to the total. Pure functions.
// Source: the specification of remote write 2.0, Prometheus' model/histogram for what is valid.
#pragma once

#include <cstdint>
#include <string_view>

#include "collector/remote/write/request.h"

namespace leadline::collector::remote::write {

// False: malformed bytes.
bool ParseHistogram(std::string_view message, HistogramSample& sample);

}  // namespace leadline::collector::remote::write
