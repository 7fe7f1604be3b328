// The cost that the system call probes add to a getppid, beside that of two empty programs.
//
// Each round measures none, empty and Leadline one after the other on one CPU, so that drift of the
// machine meets all three; of a round's batches the quickest counts, of the rounds the median.
//
// Usage: leadline_bench_probe [rounds]
#include <bpf/libbpf.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "fmt/format.h"

#include "agent/probes/probes.h"
#include "common/clock.h"
#include "empty.skel.h"

namespace leadline {
namespace {

constexpr int kDefaultRounds = 101;
constexpr int kBatches = 8;
constexpr int kCallsABatch = 10'000;
constexpr double kGoal = 1.4;

double NsPerCall() {
  double best = 1e9;
  for (int batch = 0; batch < kBatches; ++batch) {
    const int64_t start = SystemClock().NowMonoNs();
    for (int i = 0; i < kCallsABatch; ++i) syscall(SYS_getppid);
    const int64_t spent = SystemClock().NowMonoNs() - start;
    best = std::min(best, static_cast<double>(spent) / kCallsABatch);
  }
  return best;
}

double Median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool PinToThisCpu() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

int Run(int rounds) {
  if (!PinToThisCpu()) {
    fmt::print(stderr, "leadline_bench_probe: cannot stay on one CPU: {}\n", std::strerror(errno));
    return 1;
  }
  struct DestroyEmpty {
    void operator()(empty_bpf* empty) const { empty_bpf::destroy(empty); }
  };
  const std::unique_ptr<empty_bpf, DestroyEmpty> empty(empty_bpf::open_and_load());
  if (empty == nullptr) {
    fmt::print(stderr, "leadline_bench_probe: cannot load BPF programs: {}\n",
               std::strerror(errno));
    return 1;
  }

  std::vector<double> none_ns, empty_ns, ours_ns;
  std::string how;
  for (int round = 0; round < rounds; ++round) {
    none_ns.push_back(NsPerCall());
    if (empty_bpf::attach(empty.get()) != 0) {
      fmt::print(stderr, "leadline_bench_probe: cannot attach the empty programs\n");
      return 1;
    }
    empty_ns.push_back(NsPerCall());
    empty_bpf::detach(empty.get());

    auto probes = agent::probes::Probes::Load({});
    if (!probes.ok() || !(*probes)->report().probes[0].attached() ||
        !(*probes)->report().probes[1].attached()) {
      fmt::print(
          stderr, "leadline_bench_probe: the system call probes are not attached\n{}",
          probes.ok() ? (*probes)->report().ToText() : std::string(probes.status().message()));
      return 1;
    }
    how = (*probes)->report().probes[1].attached_by;
    ours_ns.push_back(NsPerCall());
  }

  const double none = Median(none_ns), floor = Median(empty_ns), ours = Median(ours_ns);
  fmt::print("getppid, median of {} rounds, each the quickest of {} batches of {} calls\n", rounds,
             kBatches, kCallsABatch);
  fmt::print("  {:<28} {:7.1f} ns\n", "no program", none);
  fmt::print("  {:<28} {:7.1f} ns, added {:6.1f}\n", "two empty programs", floor, floor - none);
  fmt::print("  {:<28} {:7.1f} ns, added {:6.1f}\n", fmt::format("Leadline ({})", how), ours,
             ours - none);
  fmt::print("  ratio of the added cost      {:7.2f}, goal {:.1f}\n",
             (ours - none) / (floor - none), kGoal);
  return 0;
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
  return leadline::Run(rounds);
}
