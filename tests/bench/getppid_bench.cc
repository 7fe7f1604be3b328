// The cheapest system call, of which the hooks are the larger part.
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/probe_benches.h"

namespace leadline::bench {
namespace {

class Getppid final : public Workload {
 public:
  absl::Status Run(int operations) override {
    for (int i = 0; i < operations; ++i) syscall(SYS_getppid);
    return absl::OkStatus();
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> MakeGetppid() { return std::make_unique<Getppid>(); }

}  // namespace leadline::bench
