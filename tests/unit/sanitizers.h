// Which sanitizer this is built with: LEADLINE_ASAN and LEADLINE_TSAN, 0 or 1, for GCC and Clang.
#pragma once

#if defined(__has_feature)
#define LEADLINE_HAS_FEATURE(feature) __has_feature(feature)
#else
#define LEADLINE_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || LEADLINE_HAS_FEATURE(address_sanitizer)
#define LEADLINE_ASAN 1
#else
#define LEADLINE_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || LEADLINE_HAS_FEATURE(thread_sanitizer)
#define LEADLINE_TSAN 1
#else
#define LEADLINE_TSAN 0
#endif
