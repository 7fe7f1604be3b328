// The end of a line: for protocols whose lines are so short that what a call of memchr() costs is
// most of what it takes to find it.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace leadline::agent::protocols::normalise {

// The first '\n' of [at, end); nullptr when there is none.
inline const char* FindNewline(const char* at, const char* end) {
#ifdef __SSE2__
  const __m128i newline = _mm_set1_epi8('\n');
  for (; end - at >= 16; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, newline));
    if (found != 0) return at + __builtin_ctz(static_cast<unsigned int>(found));
  }
#endif
  for (; at != end; ++at) {
    if (*at == '\n') return at;
  }
  return nullptr;
}

}  // namespace leadline::agent::protocols::normalise
