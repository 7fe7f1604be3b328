#include "collector/promql/value/sums.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "collector/promql/value/sample.h"
#include "collector/promql/value/wide.h"

namespace leadline::collector::promql {

namespace {

// Whether all sums are finite.
LEADLINE_INLINE bool AddUp(const double* values, size_t count, double* sums,
                           double* compensations) {
  bool all_finite = true;
  for (size_t i = 0; i < count; ++i) {
    const double sum = sums[i];
    const double value = values[i];
    const double total = sum + value;
    const bool sum_is_larger = std::fabs(sum) >= std::fabs(value);
    const double larger = sum_is_larger ? sum : value;
    const double smaller = sum_is_larger ? value : sum;
    compensations[i] += (larger - total) + smaller;
    sums[i] = total;
    all_finite &= std::fabs(total) <= std::numeric_limits<double>::max();
  }
  return all_finite;
}

LEADLINE_AVX2 bool AddUpWide(const double* values, size_t count, double* sums,
                             double* compensations) {
  return AddUp(values, count, sums, compensations);
}

}  // namespace

void AddToSums(const double* values, size_t count, double* sums, double* compensations) {
  const bool all_finite = HasAvx2() ? AddUpWide(values, count, sums, compensations)
                                    : AddUp(values, count, sums, compensations);
  for (size_t i = 0; !all_finite && i < count; ++i) {
    if (std::isinf(sums[i])) compensations[i] = 0;
  }
}

size_t NextAbsent(absl::Span<const double> values, size_t begin) {
  // Mostly there is none, and many at once are quick to see.
  constexpr size_t kAtOnce = 16;
  const auto absent = std::bit_cast<uint64_t>(AbsentValue());
  while (begin + kAtOnce <= values.size()) {
    bool any = false;
    for (size_t i = 0; i < kAtOnce; ++i) {
      any |= std::bit_cast<uint64_t>(values[begin + i]) == absent;
    }
    if (any) break;
    begin += kAtOnce;
  }
  while (begin < values.size() && !IsAbsent(values[begin])) ++begin;
  return begin;
}

}  // namespace leadline::collector::promql
