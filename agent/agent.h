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
  // Errors name what cannot work: the state directory, cgroups, probes, the Kubernetes options.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const Options& options);
  virtual ~Agent() = default;

  // Samples every interval until `stop_fd` is readable, then once more, and waits a while for the
  // collector to have it all.
  virtual absl::Status Run(int stop_fd) = 0;
};

// Loads every program, prints by which cgroups it counts, what each probe can be attached to and
// what is missing, and unloads them.
absl::Status DryRun(const Options& options);

}  // namespace leadline::agent
