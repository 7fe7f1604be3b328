// A bucket of a native histogram.
#pragma once

#include <cstdint>

namespace leadline::agent {

struct HistogramBucket {
  int32_t index = 0;  // holds values in (2^((index-1)*2^-schema), 2^(index*2^-schema)]
  uint64_t count = 0;

  bool operator==(const HistogramBucket&) const = default;
};

}  // namespace leadline::agent
