// Columns of samples as a Kubernetes cluster has them, one every ten seconds, for benchmarks of
// the encoders. The same seed gives the same column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace leadline::collector::store {

struct ColumnShape {
  const char* name;
  // The values of one series.
  std::vector<double> (*make)(size_t count, std::mt19937_64& random);
};

// All shapes; a name says what the column stands for.
const std::vector<ColumnShape>& ColumnShapes();

// What a sample takes at the least where a series is told by independent differences between
// neighbours, or by independent values: the entropy of whichever is less, over many series.
double EntropyBits(const ColumnShape& shape);

}  // namespace leadline::collector::store
