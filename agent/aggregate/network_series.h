// Network counters of pods as series under cAdvisor's names, by interface.
//
// The caller hands in each network namespace once a pod, and never the host's. Not thread-safe.
#pragma once

#include <array>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "agent/aggregate/recorder.h"
#include "agent/source/net_dev.h"
#include "common/string_map.h"

namespace leadline::agent::aggregate {

class NetworkSeries {
 public:
  void Record(const Subject& subject, absl::Span<const source::InterfaceCounters> interfaces,
              Recorder& recorder);

  void Forget(EntityRef pod) { slots_.erase(pod); }

  static constexpr size_t kCounters = 8;

 private:
  using Slots = std::array<SeriesSlot, kCounters>;

  absl::flat_hash_map<EntityRef, StringMap<Slots>> slots_;
};

}  // namespace leadline::agent::aggregate
