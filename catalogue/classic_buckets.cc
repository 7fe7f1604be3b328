#include "catalogue/classic_buckets.h"

namespace leadline::catalogue {
namespace {

// From a system call's microsecond to ten seconds; from 5 ms on those of OpenTelemetry.
constexpr double kSeconds[] = {1e-6, 1e-5,  2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3,
                               0.01, 0.025, 0.05,   0.1,  0.25, 0.5,    1,    2.5,  5,      10};
// Powers of 4 from 64 B to 1 GiB.
constexpr double kBytes[] = {64,      256,     1024,     4096,     16384,     65536,     262144,
                             1048576, 4194304, 16777216, 67108864, 268435456, 1073741824};
constexpr double kOthers[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10'000, 100'000, 1'000'000};

}  // namespace

absl::Span<const double> ClassicBounds(const MetricInfo& metric) {
  if (metric.type != MetricType::kHistogram) return {};
  if (metric.unit == "seconds") return kSeconds;
  if (metric.unit == "bytes") return kBytes;
  return kOthers;
}

}  // namespace leadline::catalogue
