// What a write request may take; docs/remote.md lists them for senders.
#pragma once

#include <cstddef>

#include "absl/time/time.h"

namespace leadline::collector::remote::write {

inline constexpr size_t kMaxBodyBytes = 32 << 20;       // as it comes
inline constexpr size_t kMaxRequestBytes = 64 << 20;    // unpacked
inline constexpr size_t kMaxHistogramBuckets = 16'384;  // of one sign
inline constexpr size_t kMaxLabels = 512;               // of a series, with __name__
inline constexpr absl::Duration kMaxAhead = absl::Minutes(10);

// How long before its first sample a counter may have begun to get a sample of 0 for it: as far as
// PromQL looks back.
inline constexpr absl::Duration kMaxCreatedBefore = absl::Minutes(5);

// Series whose handles are remembered, twice at most: a little over 50 bytes each.
inline constexpr size_t kMaxCachedSeries = 2 << 20;

}  // namespace leadline::collector::remote::write
