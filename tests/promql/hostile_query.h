// Queries that ask for more than anybody should: deep, wide, long, made of what multiplies.
//
// All of them are PromQL. The same seed gives the same query.
#pragma once

#include <cstdint>
#include <string>

namespace leadline::collector::promqltest {

struct HostileQuery {
  std::string text;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0: at one time, end_ms
};

// Over the metrics "a", "b", "c" (floats; labels "i" and "j") and "h" (histograms).
HostileQuery MakeHostileQuery(uint32_t seed);

}  // namespace leadline::collector::promqltest
