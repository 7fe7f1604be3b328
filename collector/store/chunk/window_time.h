// Windows in time: days of UTC. A chunk never crosses the border between two.
//
// Times are milliseconds since the Unix epoch.
#pragma once

#include <cstdint>
#include <limits>

namespace leadline::collector::store::chunk {

inline constexpr int64_t kWindowMs = int64_t{24} * 60 * 60 * 1000;

// Samples are taken from 1970 to the end of the year 9999.
inline constexpr int64_t kMinTimestampMs = 0;
inline constexpr int64_t kMaxTimestampMs = 253'402'300'799'999;

// The begin of the window that t is in. REQUIRES: t_ms >= 0.
constexpr int64_t WindowStart(int64_t t_ms) { return t_ms - t_ms % kWindowMs; }
constexpr int64_t WindowLast(int64_t start_ms) { return start_ms + kWindowMs - 1; }

inline constexpr int64_t kBeforeAllTime = std::numeric_limits<int64_t>::min();

}  // namespace leadline::collector::store::chunk
