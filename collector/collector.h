// The collector: store, ingest and HTTP API, put together.
#pragma once

#include "absl/status/status.h"

#include "collector/options/options.h"

namespace leadline::collector {

// Runs until `stop_fd`, of a StopSignal, is readable; where there are rules SIGHUP reads them
// again. Errors name what cannot work: the data directory, an address.
absl::Status Run(const Options& options, int stop_fd);

}  // namespace leadline::collector
