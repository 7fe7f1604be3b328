// The collector: store, ingest and HTTP API, put together.
#pragma once

#include "absl/status/status.h"

#include "collector/options/options.h"

namespace leadline::collector {

// Runs until `stop_fd` is readable. Errors name what cannot work: the data directory, an address.
absl::Status Run(const Options& options, int stop_fd);

}  // namespace leadline::collector
