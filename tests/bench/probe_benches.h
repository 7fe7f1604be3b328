// What the probes cost: one benchmark a file, a row each in probe_bench_main.cc.
#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

#include "tests/bench/turns.h"

namespace leadline::bench {

struct Goal {
  enum class Kind {
    kRatio,   // what Leadline adds, at most so many times what two empty programs add
    kPoints,  // in percent of the bare operation, at most so many points more than they add
  };
  Kind kind;
  double most;
};

struct ProbeBench {
  std::string_view name;  // on the command line
  std::string_view operation;
  Goal goal;
  absl::StatusOr<std::unique_ptr<Workload>> (*make)();
};

absl::StatusOr<std::unique_ptr<Workload>> MakeGetppid();
absl::StatusOr<std::unique_ptr<Workload>> MakePingPong();
absl::StatusOr<std::unique_ptr<Workload>> MakeHttp();
absl::StatusOr<std::unique_ptr<Workload>> MakeConnectChurn();
absl::StatusOr<std::unique_ptr<Workload>> MakeExecChurn();

}  // namespace leadline::bench
