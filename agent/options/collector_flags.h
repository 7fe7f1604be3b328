// The options that say how the agent and the collector prove themselves to each other.
#pragma once

#include "agent/options/options.h"
#include "common/flags/program.h"

namespace leadline::agent {

// `options` outlives the program's parsing.
void AddCollectorFlags(flags::Program& program, Options& options);

}  // namespace leadline::agent
