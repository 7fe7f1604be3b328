// Two empty programs at every system call, until standard input ends: what tests/bench/servers.py
// compares the agent with. Says "attached" when they are.
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"

#include "common/status_macros.h"
#include "tests/bench/probe_variants.h"

namespace leadline::bench {
namespace {

absl::Status Hold() {
  LL_ASSIGN_OR_RETURN(const std::vector<Variant> variants, ProbeVariants());
  LL_ASSIGN_OR_RETURN(const auto attachment, variants[kEmptyPair].attach());
  fmt::print("attached\n");
  std::fflush(stdout);
  for (char ignored[64]; read(STDIN_FILENO, ignored, sizeof ignored) > 0;) {
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace leadline::bench

int main() {
  const absl::Status status = leadline::bench::Hold();
  if (status.ok()) return 0;
  fmt::print(stderr, "leadline_bench_empty_pair: {}\n", status.ToString());
  return 1;
}
