// What the agent's probes cost, beside two empty programs: a table for each benchmark, with its
// goal.
//
// Usage: leadline_bench_probe [NAME|all [ROUNDS]]
#include <charconv>
#include <cstdio>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"

#include "common/status_macros.h"
#include "tests/bench/probe_benches.h"
#include "tests/bench/probe_variants.h"
#include "tests/bench/turns.h"

namespace leadline::bench {
namespace {

constexpr int kDefaultRounds = 41;

constexpr ProbeBench kBenches[] = {
    {"getppid", "a getppid", {Goal::Kind::kRatio, 1.4}, MakeGetppid},
    {"ping-pong", "200 bytes and 1 KiB back over TCP", {Goal::Kind::kPoints, 5}, MakePingPong},
    {"http",
     "an HTTP exchange as large, captured at both ends",
     {Goal::Kind::kPoints, 5},
     MakeHttp},
    {"connect", "a TCP connection made and closed", {Goal::Kind::kPoints, 5}, MakeConnectChurn},
    {"exec", "a process that executes a program", {Goal::Kind::kPoints, 5}, MakeExecChurn},
};

double PercentOf(double part, double whole) { return part / whole * 100; }

void PrintTable(const ProbeBench& bench, const std::vector<VariantCost>& costs, int rounds) {
  const double bare_ns = costs[kNoProgram].ns, empty_ns = costs[kEmptyPair].added_ns;
  fmt::print("{}: {}, median of {} rounds\n", bench.name, bench.operation, rounds);
  fmt::print("  {:<28} {:>10} {:>9} {:>9} {:>9} {:>9}\n", "", "ns", "added ns", "added %",
             "to empty", "points");
  for (size_t i = 0; i < costs.size(); ++i) {
    const VariantCost& cost = costs[i];
    fmt::print("  {:<28} {:>10.0f}", cost.name, cost.ns);
    if (i != kNoProgram) {
      fmt::print(" {:>9.0f} {:>9.1f} {:>9.2f} {:>+9.1f}", cost.added_ns,
                 PercentOf(cost.added_ns, bare_ns), cost.added_ns / empty_ns,
                 PercentOf(cost.added_ns - empty_ns, bare_ns));
    }
    fmt::print("\n");
  }
  const double added_ns = costs[kLeadline].added_ns;
  const bool is_ratio = bench.goal.kind == Goal::Kind::kRatio;
  const double measured = is_ratio ? added_ns / empty_ns : PercentOf(added_ns - empty_ns, bare_ns);
  fmt::print("  goal: at most {} {}; measured {:.2f}: {}\n\n", bench.goal.most,
             is_ratio ? "times what two empty programs add" : "points more than two empty programs",
             measured, measured <= bench.goal.most ? "met" : "MISSED");
  std::fflush(stdout);
}

absl::Status Run(std::string_view name, int rounds) {
  LL_RETURN_IF_ERROR(HaveThisCpu());
  LL_ASSIGN_OR_RETURN(const std::vector<Variant> variants, ProbeVariants());
  for (const ProbeBench& bench : kBenches) {
    if (name != "all" && name != bench.name) continue;
    LL_ASSIGN_OR_RETURN(const auto workload, bench.make());
    LL_ASSIGN_OR_RETURN(const auto costs, MeasureByTurns(*workload, variants, rounds));
    PrintTable(bench, costs, rounds);
  }
  return absl::OkStatus();
}

bool IsKnown(std::string_view name) {
  if (name == "all") return true;
  for (const ProbeBench& bench : kBenches) {
    if (bench.name == name) return true;
  }
  return false;
}

int Usage() {
  fmt::print(stderr, "usage: leadline_bench_probe [NAME [ROUNDS]], NAME one of all");
  for (const ProbeBench& bench : kBenches) fmt::print(stderr, ", {}", bench.name);
  fmt::print(stderr, "\n");
  return 2;
}

int Main(int argc, char** argv) {
  const std::string_view name = argc > 1 ? argv[1] : "all";
  int rounds = kDefaultRounds;
  if (argc > 3 || !IsKnown(name)) return Usage();
  if (argc > 2) {
    const std::string_view text(argv[2]);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), rounds);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || rounds < 1) {
      return Usage();
    }
  }
  const absl::Status status = Run(name, rounds);
  if (status.ok()) return 0;
  fmt::print(stderr, "leadline_bench_probe: {}\n", status.ToString());
  return 1;
}

}  // namespace
}  // namespace leadline::bench

int main(int argc, char** argv) { return leadline::bench::Main(argc, argv); }
