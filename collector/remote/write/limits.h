// What a write request may take; docs/remote.md lists them for senders.
#pragma once

#include <cstddef>

#include "absl/time/time.h"

namespace leadline::collector::remote::write {

inline constexpr size_t kMaxBodyBytes = 8 << 20;      // as it comes
inline constexpr size_t kMaxRequestBytes = 64 << 20;  // unpacked
// Of one request: what takes two bytes there takes some hundred here.
inline constexpr size_t kMaxSeries = 1 << 20;
inline constexpr size_t kMaxSamples = 1 << 21;
inline constexpr size_t kMaxHistograms = 1 << 17;
inline constexpr size_t kMaxExemplars = 1 << 17;
inline constexpr size_t kMaxMetadata = 1 << 17;
inline constexpr size_t kMaxSymbols = 1 << 20;
inline constexpr size_t kMaxHistogramBuckets = 16'384;  // of one sign
inline constexpr size_t kMaxLabels = 512;               // of a series, with __name__
inline constexpr absl::Duration kMaxAhead = absl::Minutes(10);

// How long before its first sample a counter may have begun to get a sample of 0 for it: as far as
// PromQL looks back.
inline constexpr absl::Duration kMaxCreatedBefore = absl::Minutes(5);

// Series whose handles are remembered, twice at most: a little over 50 bytes each.
inline constexpr size_t kMaxCachedSeries = 2 << 20;

}  // namespace leadline::collector::remote::write
