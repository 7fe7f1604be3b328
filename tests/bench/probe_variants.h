// The sets of probes that the benchmarks compare.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

#include "tests/bench/turns.h"

namespace leadline::bench {

// Where each stands in the list.
enum ProbeVariant { kNoProgram, kEmptyPair, kClockPair, kLeadline };

// No program; two empty ones on sys_enter and sys_exit; two that read the clock, without which
// there is no latency; all of the agent's probes; those without requests, and with every system
// call timed.
absl::StatusOr<std::vector<Variant>> ProbeVariants();

}  // namespace leadline::bench
