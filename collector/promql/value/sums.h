// Many sums at once, each as KahanSum adds up; and which values there are. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace leadline::collector::promql {

// Adds values[i] to the sum of sums[i] and compensations[i].
void AddToSums(const double* values, size_t count, double* sums, double* compensations);
// The same, for values that are zero many times in a row: sums are not looked at for those.
void AddSparseToSums(const double* values, size_t count, double* sums, double* compensations);

// Adds 1 to counts[i] where values[i] is not AbsentValue().
void CountPresent(absl::Span<const double> values, uint64_t* counts);

// The first of the values from `begin` on that is AbsentValue(), which is what staleness markers
// are too, or that is not; or how many there are.
size_t NextAbsent(absl::Span<const double> values, size_t begin);
size_t NextPresent(absl::Span<const double> values, size_t begin);

}  // namespace leadline::collector::promql
