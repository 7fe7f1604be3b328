// Runs the pipeline from a recording: no BPF, no root, as fast as it goes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "agent/export/sealed_batch.h"
#include "agent/options/options.h"

namespace leadline::agent {

// Replays options.replay to options.collector, or where none was given to nothing, and prints what
// came of it. The collector knows the recording as an agent of its own, each replay as a start of
// it. Errors name the file, or the collector that does not take it. A recording that is cut off or
// damaged is replayed up to there, and is an error then.
absl::Status Replay(const Options& options);

// Replays a recording and hands over the batches of each interval as they are sealed.
absl::Status ReplayBatches(const std::string& path,
                           std::function<void(const std::vector<SealedBatch>&)> handler);

}  // namespace leadline::agent
