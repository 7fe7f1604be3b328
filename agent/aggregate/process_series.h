// CPU, memory and threads of processes as series under OpenTelemetry's names.
//
// Not thread-safe.
#pragma once

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/source/processes.h"

namespace leadline::agent::aggregate {

class ProcessSeries {
 public:
  void Record(const Subject& subject, const source::ProcessStat& stat, Recorder& recorder);

  void Forget(EntityRef process) { slots_.erase(process); }

 private:
  struct Slots {
    SeriesSlot user;
    SeriesSlot system;
    SeriesSlot resident;
    SeriesSlot threads;
  };

  absl::flat_hash_map<EntityRef, Slots> slots_;
};

}  // namespace leadline::agent::aggregate
