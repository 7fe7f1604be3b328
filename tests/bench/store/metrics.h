// What every container of the generated cluster reports: a table of its plain series, and one
// histogram of latencies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace leadline::bench {

enum class Shape : uint8_t {
  kSteady,    // counter: nearly the same every interval
  kEvents,    // counter: things that happen at random, in proportion to the container's load
  kSizes,     // counter: sums of sizes of such things
  kPages,     // counter of whole pages of 4096 bytes
  kRare,      // counter: stands still nearly always
  kMemory,    // gauge: whole pages, wanders
  kLevel,     // gauge: a decimal number about the load
  kFloat,     // gauge: a double with all its digits
  kSmall,     // gauge: a small whole number that seldom changes
  kConstant,  // never changes while the container lives
};

struct MetricRow {
  const char* name;
  const char* label;  // a residual label and its value, or ""
  const char* label_value;
  Shape shape;
  // A second of full load for counters of what happens; the level of gauges; the constant.
  double scale;
  int decimals;  // samples are whole multiples of 10^-decimals; of no meaning for kFloat
};

inline constexpr size_t kPlainSeries = 46;
extern const std::array<MetricRow, kPlainSeries> kMetrics;

// The classic form of the histogram is a series for each bound and +Inf, the sum and the count.
inline constexpr char kHistogram[] = "http_server_request_duration_seconds";
inline constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                   0.5,   1,    2.5,   5,    10};
inline constexpr std::array<const char*, 12> kBoundTexts = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"};
inline constexpr size_t kClassicSeries = kBoundTexts.size() + 2;
// The native form is one series of this schema.
inline constexpr int kSchema = 3;

}  // namespace leadline::bench
