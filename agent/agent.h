// The agent: probes, Kubernetes, readings and delivery, put together.
//
// Threads: the main thread reads the kernel and owns all state of the pipeline up to the batches;
// the Kubernetes watcher, the sender and the HTTP server have threads of their own.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/options/options.h"

namespace leadline::agent {

class Agent {
 public:
  // What the machine does not allow is left out, with a line in the log and a metric. Errors name
  // what cannot work at all: a state directory that another agent uses, the Kubernetes options, the
  // HTTP address, no /proc.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const Options& options);
  virtual ~Agent() = default;

  // Samples every interval until `stop_fd` is readable, then once more, and waits a while for the
  // collector to have it all.
  virtual absl::Status Run(int stop_fd) = 0;
};

// Prints by which cgroups it counts, what the agent would do here and what is missing, why, and
// what mends it; then what each probe could attach to. Loads every program and unloads it, and
// changes nothing.
absl::Status DryRun(const Options& options);

}  // namespace leadline::agent
