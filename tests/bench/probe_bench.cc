// The cost that the system call probes add to a getppid, beside that of two empty programs, and of
// two that read the clock, which no measured latency can do without.
//
// Each round measures the variants one after the other on one CPU, so that drift of the machine
// meets all of them; of a round's batches the quickest counts, of the rounds the median.
//
// Usage: leadline_bench_probe [rounds]
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"

#include "agent/probes/probes.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "floor.skel.h"

namespace leadline {
namespace {

constexpr int kDefaultRounds = 101;
constexpr int kBatches = 40;
constexpr int kCallsABatch = 2'000;
constexpr double kGoal = 1.4;

struct DestroyFloor {
  void operator()(floor_bpf* object) const { floor_bpf::destroy(object); }
};
struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

int64_t TimesPreempted() {
  rusage usage = {};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

// The mean of the batches that no other process interrupted, which are short enough for that.
double NsPerCall() {
  int64_t spent_ns = 0, calls = 0;
  for (int batch = 0; batch < kBatches || calls == 0; ++batch) {
    const int64_t preempted = TimesPreempted();
    const int64_t start_ns = SystemClock().NowMonoNs();
    for (int i = 0; i < kCallsABatch; ++i) syscall(SYS_getppid);
    const int64_t batch_ns = SystemClock().NowMonoNs() - start_ns;
    if (TimesPreempted() != preempted) continue;
    spent_ns += batch_ns;
    calls += kCallsABatch;
  }
  return static_cast<double>(spent_ns) / static_cast<double>(calls);
}

absl::StatusOr<double> NsPerCallWith(bpf_program* enter, bpf_program* exit) {
  const Link exit_link(bpf_program__attach(exit));
  const Link enter_link(bpf_program__attach(enter));
  if (exit_link == nullptr || enter_link == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot attach {}: {}", bpf_program__name(enter), std::strerror(errno)));
  }
  return NsPerCall();
}

absl::StatusOr<double> NsPerCallWithProbes(const agent::probes::ProbeOptions& options) {
  LL_ASSIGN_OR_RETURN(const auto probes, agent::probes::Probes::Load(options));
  for (const auto& probe : probes->report().probes) {
    if (probe.attached()) continue;
    return absl::UnavailableError(
        fmt::format("probe {} is not attached\n{}", probe.name, probes->report().ToText()));
  }
  return NsPerCall();
}

double Median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool StayOnThisCpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

absl::Status Run(int rounds) {
  if (!StayOnThisCpu()) {
    return absl::InternalError(fmt::format("cannot stay on one CPU: {}", std::strerror(errno)));
  }
  const std::unique_ptr<floor_bpf, DestroyFloor> floor(floor_bpf::open_and_load());
  if (floor == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot load BPF programs: {}", std::strerror(errno)));
  }
  std::vector<double> none_ns, empty_ns, clock_ns, probes_ns, every_ns;
  for (int round = 0; round < rounds; ++round) {
    none_ns.push_back(NsPerCall());
    LL_ASSIGN_OR_RETURN(empty_ns.emplace_back(),
                        NsPerCallWith(floor->progs.empty_enter, floor->progs.empty_exit));
    LL_ASSIGN_OR_RETURN(clock_ns.emplace_back(),
                        NsPerCallWith(floor->progs.clock_enter, floor->progs.clock_exit));
    LL_ASSIGN_OR_RETURN(probes_ns.emplace_back(), NsPerCallWithProbes({}));
    LL_ASSIGN_OR_RETURN(every_ns.emplace_back(),
                        NsPerCallWithProbes({.syscall_timing = agent::probes::kTimeEverySyscall}));
  }

  const double none = Median(none_ns);
  const double empty_added = Median(empty_ns) - none;
  fmt::print("getppid, median of {} rounds, each of {} batches of {} calls\n", rounds, kBatches,
             kCallsABatch);
  fmt::print("  {:<30} {:>8} {:>8} {:>7}\n", "", "ns", "added", "ratio");
  fmt::print("  {:<30} {:>8.1f}\n", "no program", none);
  const auto print_row = [&](std::string_view what, const std::vector<double>& ns) {
    const double added = Median(ns) - none;
    fmt::print("  {:<30} {:>8.1f} {:>8.1f} {:>7.2f}\n", what, none + added, added,
               added / empty_added);
  };
  print_row("two empty programs", empty_ns);
  print_row("two that read the clock", clock_ns);
  print_row("Leadline's probes", probes_ns);
  print_row("- that time every call", every_ns);
  fmt::print("  goal: Leadline's ratio at most {:.1f}\n", kGoal);
  return absl::OkStatus();
}

}  // namespace
}  // namespace leadline

int main(int argc, char** argv) {
  int rounds = leadline::kDefaultRounds;
  if (argc > 1) {
    const std::string_view text(argv[1]);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), rounds);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || rounds < 1) {
      fmt::print(stderr, "usage: leadline_bench_probe [rounds]\n");
      return 2;
    }
  }
  const absl::Status status = leadline::Run(rounds);
  if (!status.ok()) {
    fmt::print(stderr, "leadline_bench_probe: {}\n", status.ToString());
    return 1;
  }
  return 0;
}
