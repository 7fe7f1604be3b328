// Measures what an operation costs under several sets of probes, by turns.
//
// Every round measures the variants one after the other on one CPU, at a real-time priority where
// the machine allows it, so that drift of the machine meets all of them and other processes none.
// A turn is the median of a few batches of some milliseconds; what a variant adds is the median
// over the rounds of its turn less the round's turn without probes. Times are nanoseconds of
// CLOCK_MONOTONIC. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::bench {

// What is measured. Its threads and processes stay on the CPU of the caller.
class Workload {
 public:
  virtual ~Workload() = default;
  // Does the operation so many times. Errors name the call that failed.
  virtual absl::Status Run(int operations) = 0;
};

// Programs that are attached as long as this lives.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

struct Variant {
  std::string name;
  std::function<absl::StatusOr<std::unique_ptr<Attachment>>()> attach;
};

struct VariantCost {
  std::string name;
  double ns = 0;        // an operation
  double added_ns = 0;  // beyond the first variant
};

// In the order of `variants`, of which the first is what the others are compared with.
// REQUIRES: rounds > 0.
absl::StatusOr<std::vector<VariantCost>> MeasureByTurns(Workload& workload,
                                                        const std::vector<Variant>& variants,
                                                        int rounds);

// Keeps this thread, and those that it starts from now on, on its CPU, before all others if it may.
absl::Status HaveThisCpu();

}  // namespace leadline::bench
