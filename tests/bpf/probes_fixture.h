// The real probes, and their rows by key.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "agent/probes/probes.h"

namespace leadline::testing {

// A copy that owns its buckets.
struct Row {
  agent::probes::SyscallCounters counters;
  std::vector<agent::probes::HistogramBucket> buckets;
};

// cgroup, number, ABI
using RowKey = std::tuple<uint64_t, uint16_t, agent::probes::SyscallAbi>;
using Rows = std::map<RowKey, Row>;

inline bool NeedsLaterKernel(const agent::probes::AlternativeReport& alternative) {
  return alternative.reason.starts_with("needs kernel ");
}

// Whether a probe is missing because the kernel is too old for whatever was not to be avoided.
inline bool NeedsLaterKernel(const agent::probes::ProbeStatus& probe) {
  bool needs = false;
  for (const auto& alternative : probe.alternatives) {
    if (alternative.reason.ends_with(" is to be avoided")) continue;
    if (!NeedsLaterKernel(alternative)) return false;
    needs = true;
  }
  return needs;
}

// Whether it is the walk of a map, which some kernels do not allow to anybody: what needs it is
// passed over there (TcpTest::NeedsWalk).
inline bool IsForbiddenWalk(const agent::probes::ProbeStatus& probe) {
  return probe.name == "tcp_walk" && !probe.attached() &&
         probe.alternatives.front().reason == "Operation not permitted";
}

// Fails the test, with the report, unless every probe is attached that this kernel can have.
inline std::unique_ptr<agent::probes::Probes> LoadProbes(
    const agent::probes::ProbeOptions& options = {}) {
  auto probes = agent::probes::Probes::Load(options);
  if (!probes.ok()) {
    ADD_FAILURE() << "these tests need to load BPF programs: "
                  << std::string(probes.status().message());
    return nullptr;
  }
  for (const auto& probe : (*probes)->report().probes) {
    if (!probe.attached() && !options.dry_run && !NeedsLaterKernel(probe) &&
        !IsForbiddenWalk(probe)) {
      ADD_FAILURE() << "these tests need root and a kernel that allows BPF programs:\n"
                    << (*probes)->report().ToText();
      return nullptr;
    }
  }
  return *std::move(probes);
}

inline Rows ReadRows(agent::probes::Probes& probes) {
  Rows rows;
  const absl::Status read =
      probes.ReadSyscalls([&](const agent::probes::SyscallCounters& counters) {
        const RowKey key(counters.cgroup_id, counters.nr, counters.abi);
        Row row{counters, {counters.latency_buckets.begin(), counters.latency_buckets.end()}};
        EXPECT_TRUE(rows.emplace(key, std::move(row)).second) << "two rows of one key";
        return false;  // the next read has it again
      });
  EXPECT_TRUE(read.ok()) << std::string(read.message());
  return rows;
}

// All zero where there is no such row.
inline Row RowOf(const Rows& rows, uint64_t cgroup, long nr,
                 agent::probes::SyscallAbi abi = agent::probes::SyscallAbi::kNative) {
  const auto found = rows.find(RowKey(cgroup, static_cast<uint16_t>(nr), abi));
  return found == rows.end() ? Row{} : found->second;
}

// Fails the test when there is no such counter.
inline uint64_t LossOf(const agent::probes::Probes& probes, std::string_view reason) {
  const auto losses = probes.Losses();
  if (!losses.ok()) {
    ADD_FAILURE() << std::string(losses.status().message());
    return 0;
  }
  for (const auto& loss : *losses) {
    if (loss.reason == reason) return loss.count;
  }
  ADD_FAILURE() << "no loss counter " << reason;
  return 0;
}

}  // namespace leadline::testing
