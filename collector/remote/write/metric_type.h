// What a metric is, by remote write's numbers, and what follows from it.
//
// Pure functions. Source: the specifications of remote write; Prometheus' names of the types.
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::collector::remote::write {

// The numbers are remote write's.
enum class MetricType : uint8_t {
  kUnknown = 0,
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kGaugeHistogram = 4,
  kSummary = 5,
  kInfo = 6,
  kStateSet = 7,
};

// kUnknown for numbers that are none of them.
MetricType MetricTypeOf(uint64_t number);
// kUnknown for names that are none of them, too.
MetricType MetricTypeNamed(std::string_view name);

// "counter", "gaugehistogram", …
const char* TypeName(MetricType type);

// The name of what is described: of a series of a histogram or a summary, the name of that.
std::string_view FamilyOf(std::string_view metric, MetricType type);

// Whether a metric of that name and type only grows, from 0 on: counters, and what histograms and
// summaries count and add up.
bool IsCumulative(std::string_view metric, MetricType type);

}  // namespace leadline::collector::remote::write
