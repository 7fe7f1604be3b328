#include "tests/bench/turns.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fmt/format.h"

#include "common/clock.h"
#include "common/status_macros.h"

namespace leadline::bench {
namespace {

constexpr int kBatches = 5;
// Several ticks of the kernel's timer, since what the probes do may depend on how many calls a tick
// has seen.
constexpr int64_t kBatchNs = 16'000'000;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

absl::StatusOr<int64_t> TimeBatch(Workload& workload, int operations) {
  const int64_t start_ns = SystemClock().NowMonoNs();
  LL_RETURN_IF_ERROR(workload.Run(operations));
  return SystemClock().NowMonoNs() - start_ns;
}

// How many operations take about kBatchNs.
absl::StatusOr<int> BatchSize(Workload& workload) {
  for (int operations = 1;; operations *= 2) {
    LL_ASSIGN_OR_RETURN(const int64_t spent_ns, TimeBatch(workload, operations));
    if (spent_ns >= kBatchNs) return operations;
  }
}

absl::StatusOr<double> Turn(Workload& workload, const Variant& variant, int operations) {
  LL_ASSIGN_OR_RETURN(const auto attachment, variant.attach());
  LL_RETURN_IF_ERROR(workload.Run(operations));  // to fill caches and tables
  std::vector<double> ns;
  for (int batch = 0; batch < kBatches; ++batch) {
    LL_ASSIGN_OR_RETURN(const int64_t spent_ns, TimeBatch(workload, operations));
    ns.push_back(static_cast<double>(spent_ns) / operations);
  }
  return Median(std::move(ns));
}

}  // namespace

absl::StatusOr<std::vector<VariantCost>> MeasureByTurns(Workload& workload,
                                                        const std::vector<Variant>& variants,
                                                        int rounds) {
  LL_ASSIGN_OR_RETURN(const int operations, BatchSize(workload));
  std::vector<std::vector<double>> ns(variants.size());
  std::vector<std::vector<double>> added_ns(variants.size());
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < variants.size(); ++i) {
      LL_ASSIGN_OR_RETURN(const double turn_ns, Turn(workload, variants[i], operations));
      ns[i].push_back(turn_ns);
      added_ns[i].push_back(turn_ns - ns[0].back());
    }
  }
  std::vector<VariantCost> costs;
  for (size_t i = 0; i < variants.size(); ++i) {
    costs.push_back({variants[i].name, Median(std::move(ns[i])), Median(std::move(added_ns[i]))});
  }
  return costs;
}

absl::Status HaveThisCpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    return absl::InternalError(fmt::format("cannot stay on one CPU: {}", std::strerror(errno)));
  }
  const sched_param lowest = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &lowest) != 0) {
    fmt::print("no real-time priority ({}): other processes disturb the figures\n",
               std::strerror(errno));
  }
  return absl::OkStatus();
}

}  // namespace leadline::bench
