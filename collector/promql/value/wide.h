// Loops over columns in as wide vectors as the processor has: compiled twice, chosen at run time.
// Wider ones do what narrow ones do, element by element, so the results are the same.
//
// Use: the loop as an inline function with LEADLINE_INLINE, a function with LEADLINE_AVX2 that
// calls it, and a third that asks HasAvx2.
#pragma once

#define LEADLINE_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__)
#define LEADLINE_AVX2 __attribute__((target("avx2")))
#else
#define LEADLINE_AVX2
#endif

namespace leadline::collector::promql {

inline bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
#else
  return false;
#endif
}

}  // namespace leadline::collector::promql
