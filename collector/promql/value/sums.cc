#include "collector/promql/value/sums.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "collector/promql/value/sample.h"
#include "common/wide.h"

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

LEADLINE_INLINE bool AreZeros(const double* values, size_t count) {
  uint64_t any = 0;
  for (size_t i = 0; i < count; ++i) any |= std::bit_cast<uint64_t>(values[i]);
  return any == 0;
}

LEADLINE_INLINE bool AddUpSparse(const double* values, size_t count, double* sums,
                                 double* compensations) {
  constexpr size_t kAtOnce = 16;  // two lines of memory
  bool all_finite = true;
  size_t begin = 0;
  for (; begin + kAtOnce <= count; begin += kAtOnce) {
    if (AreZeros(values + begin, kAtOnce)) continue;
    all_finite &= AddUp(values + begin, kAtOnce, sums + begin, compensations + begin);
  }
  return AddUp(values + begin, count - begin, sums + begin, compensations + begin) && all_finite;
}

LEADLINE_AVX2 bool AddUpSparseWide(const double* values, size_t count, double* sums,
                                   double* compensations) {
  return AddUpSparse(values, count, sums, compensations);
}

// Infinite sums have nothing to make up for.
void ClearInfinite(size_t count, const double* sums, double* compensations) {
  for (size_t i = 0; i < count; ++i) {
    if (std::isinf(sums[i])) compensations[i] = 0;
  }
}

// The first value from `begin` on that is absent, or is not, or how many there are. Mostly there is
// none for long, and many at once are quick to see.
template <bool kAbsent>
LEADLINE_INLINE size_t Next(const double* values, size_t count, size_t begin) {
  constexpr size_t kAtOnce = 16;
  const auto absent = std::bit_cast<uint64_t>(AbsentValue());
  const auto is_it = [&](size_t i) {
    return (std::bit_cast<uint64_t>(values[i]) == absent) == kAbsent;
  };
  for (; begin + kAtOnce <= count; begin += kAtOnce) {
    uint64_t any = 0;
    for (size_t i = 0; i < kAtOnce; ++i) any |= static_cast<uint64_t>(is_it(begin + i));
    if (any != 0) break;
  }
  while (begin < count && !is_it(begin)) ++begin;
  return begin;
}

template <bool kAbsent>
LEADLINE_AVX2 size_t NextWide(const double* values, size_t count, size_t begin) {
  return Next<kAbsent>(values, count, begin);
}

LEADLINE_INLINE void CountUp(const double* values, size_t count, uint64_t* counts) {
  const auto absent = std::bit_cast<uint64_t>(AbsentValue());
  for (size_t i = 0; i < count; ++i) {
    counts[i] += std::bit_cast<uint64_t>(values[i]) != absent ? 1 : 0;
  }
}

LEADLINE_AVX2 void CountUpWide(const double* values, size_t count, uint64_t* counts) {
  CountUp(values, count, counts);
}

}  // namespace

void AddToSums(const double* values, size_t count, double* sums, double* compensations) {
  const bool all_finite = HasAvx2() ? AddUpWide(values, count, sums, compensations)
                                    : AddUp(values, count, sums, compensations);
  if (!all_finite) ClearInfinite(count, sums, compensations);
}

void AddSparseToSums(const double* values, size_t count, double* sums, double* compensations) {
  const bool all_finite = HasAvx2() ? AddUpSparseWide(values, count, sums, compensations)
                                    : AddUpSparse(values, count, sums, compensations);
  if (!all_finite) ClearInfinite(count, sums, compensations);
}

void CountPresent(absl::Span<const double> values, uint64_t* counts) {
  if (HasAvx2()) return CountUpWide(values.data(), values.size(), counts);
  CountUp(values.data(), values.size(), counts);
}

size_t NextAbsent(absl::Span<const double> values, size_t begin) {
  return HasAvx2() ? NextWide<true>(values.data(), values.size(), begin)
                   : Next<true>(values.data(), values.size(), begin);
}

size_t NextPresent(absl::Span<const double> values, size_t begin) {
  return HasAvx2() ? NextWide<false>(values.data(), values.size(), begin)
                   : Next<false>(values.data(), values.size(), begin);
}

}  // namespace leadline::collector::promql
