// A small, fast generator of pseudo-random numbers, the same on every machine for the same seed.
//
// Not for secrets. Not synchronized.
#pragma once

#include <cmath>
#include <cstdint>

namespace leadline::bench {

// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014: its mixing
// function.
constexpr uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// One number for several, to seed by.
template <typename... Rest>
constexpr uint64_t MixAll(uint64_t first, Rest... rest) {
  uint64_t mixed = Mix(first + 0x9e3779b97f4a7c15);
  ((mixed = Mix(mixed ^ (static_cast<uint64_t>(rest) + 0x9e3779b97f4a7c15))), ...);
  return mixed;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }
  // In [0, bound).
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  // Close to a normal distribution of mean 0 and deviation 1: a sum of four uniform ones.
  double Normal() {
    const uint64_t bits = Next();
    const int64_t sum = static_cast<int64_t>((bits & 0xffff) + ((bits >> 16) & 0xffff) +
                                             ((bits >> 32) & 0xffff) + (bits >> 48));
    return static_cast<double>(sum - 2 * 0xffff) * (1.7320508 / 0x1p16);
  }
  // How often what happens `mean` times on average happens.
  int64_t Poisson(double mean) {
    if (mean > 16) {
      return std::max<int64_t>(0, std::llround(mean + std::sqrt(mean) * Normal()));
    }
    int64_t count = 0;
    for (double left = std::exp(-mean), product = Uniform(); product > left; ++count) {
      product *= Uniform();
    }
    return count;
  }

 private:
  uint64_t state_;
};

}  // namespace leadline::bench
