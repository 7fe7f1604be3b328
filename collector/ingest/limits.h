// What a session takes; docs/format/wire.md lists them for agents' authors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace leadline::collector::ingest {

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr size_t kMaxTextBytes = 16 << 10;    // of a label's name or value
inline constexpr size_t kMaxNameBytes = 512;         // of a label's or a metric's name
inline constexpr int kMaxLabels = 512;               // of a series, and of each kind of an entity's
inline constexpr int32_t kMaxBucketIndex = 1 << 19;  // beyond the finest schema's for any double
inline constexpr size_t kMaxHistogramBuckets = 16'384;  // of one histogram
inline constexpr size_t kMaxPendingVersions = 1 << 20;  // of entities, before a batch follows
// Names and values of all labels that are defined before a batch follows. Strings are sent once and
// referred to, so without it a small message may stand for gigabytes.
inline constexpr size_t kMaxDefinedBytes = 64 << 20;

struct Limits {
  size_t max_message_bytes = 4 << 20;  // compressed and not
  uint32_t max_batches_in_flight = 16;
  size_t max_bytes_in_flight = 16 << 20;
  uint32_t max_entities = 1 << 18;
  uint32_t max_series = 1 << 21;
  // Of compressed messages; each session that sends them has a window in memory. 0: none are taken.
  int zstd_window_log = 16;
  absl::Duration max_ahead = absl::Minutes(10);
};

}  // namespace leadline::collector::ingest
