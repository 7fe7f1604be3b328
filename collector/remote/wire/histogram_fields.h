// The fields of a native histogram, as remote write and remote read number them: the messages
// Histogram and BucketSpan, which are the same in prometheus/types.proto and in
// io.prometheus.write.v2, but for kStartTimestamp, which only that has.
#pragma once

#include <cstdint>

namespace leadline::collector::remote::wire::histogram_field {

inline constexpr uint32_t kCountInt = 1;
inline constexpr uint32_t kCountFloat = 2;
inline constexpr uint32_t kSum = 3;
inline constexpr uint32_t kSchema = 4;
inline constexpr uint32_t kZeroThreshold = 5;
inline constexpr uint32_t kZeroCountInt = 6;
inline constexpr uint32_t kZeroCountFloat = 7;
inline constexpr uint32_t kNegativeSpans = 8;
inline constexpr uint32_t kNegativeDeltas = 9;
inline constexpr uint32_t kNegativeCounts = 10;
inline constexpr uint32_t kPositiveSpans = 11;
inline constexpr uint32_t kPositiveDeltas = 12;
inline constexpr uint32_t kPositiveCounts = 13;
inline constexpr uint32_t kResetHint = 14;
inline constexpr uint32_t kTimestamp = 15;
inline constexpr uint32_t kCustomValues = 16;
inline constexpr uint32_t kStartTimestamp = 17;
inline constexpr uint32_t kSpanOffset = 1;
inline constexpr uint32_t kSpanLength = 2;

}  // namespace leadline::collector::remote::wire::histogram_field
