// The exemplars of a request -> records for the store.
//
// One without a time has that of its series' newest sample in the request. Left out and counted is
// what none can be: of a series that is none or that was refused, with labels that are none, with
// more of them than OpenMetrics allows, at a time that is not taken. That is never an error of the
// request, since senders would leave out the samples beside them. The same one again is one record.
// Nothing is done, nor allocated, for a request without any. Pure functions.
//
// Source: OpenMetrics 1.0; Prometheus' remote write 2.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

#include "collector/remote/write/request.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::write {

// Why one was not kept.
enum class DroppedExemplar : uint8_t {
  kSeries,  // its series is none, or was refused
  kLabels,  // its labels are none
  kLength,  // its labels have too many characters
  kTooOld,  // before what samples may be
  kTooNew,  // too far ahead of the clock
};
inline constexpr size_t kDroppedExemplars = static_cast<size_t>(DroppedExemplar::kTooNew) + 1;
inline constexpr std::array<const char*, kDroppedExemplars> kDroppedExemplarNames = {
    "series", "labels", "length", "too_old", "too_new"};

struct ExemplarCounts {
  uint64_t kept = 0;
  std::array<uint64_t, kDroppedExemplars> dropped{};

  void Drop(DroppedExemplar reason, uint64_t count = 1) {
    dropped[static_cast<size_t>(reason)] += count;
  }
};

// REQUIRES: as many handles as series.
void AddExemplars(const Request& request, absl::Span<const store::SeriesHandle> handles,
                  const store::TimeRange& times, store::WriteBatch& batch, ExemplarCounts& counts);

}  // namespace leadline::collector::remote::write
