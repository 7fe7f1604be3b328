#include "agent/kernel_counters.h"

#include <spdlog/spdlog.h>

#include "agent/self_metrics.h"

namespace leadline::agent {
namespace {

constexpr uint64_t kNoCgroup = 0;

}  // namespace

KernelCounters::KernelCounters(probes::Probes& probes, CgroupInventory& inventory,
                               PeerNames& peers, Batcher& batcher,
                               prometheus::Registry& registry)
    : probes_(probes),
      inventory_(inventory),
      edges_(peers, batcher),
      tables_({}, {}, {aggregate::TcpSeries(edges_)}, {aggregate::UdpSeries(edges_)}, {}),
      unknown_cgroups_(MakeCounter(registry, "leadline_agent_unknown_cgroup_rows_total",
                                   "Rows of the kernel's maps whose cgroup was not known yet; "
                                   "they stay in the kernel until it is.")),
      stray_cgroups_(MakeCounter(registry, "leadline_agent_stray_cgroups_total",
                                 "Cgroups that were never known, since events were lost: what "
                                 "they counted is in the node's series.")) {}

void KernelCounters::Read(EntityRef node, FindEntity find) {
  const std::vector<uint64_t> ended = inventory_.EndedIds();
  for (uint64_t cgroup_id : ended) probes_.Forget(cgroup_id);
  uint64_t unknown = 0;
  ForEachTable([&](auto& table) {
    // Rows of strays are looked at in every read: they are given up when they no longer grow.
    const absl::Status read = (probes_.*table.kRead)([&](const auto& row) {
      const Owner owner = Fold(table.series, row, node, find);
      unknown += owner == Owner::kUnknown;
      return owner == Owner::kKnown;
    });
    if (!read.ok()) spdlog::error("reading the kernel's counters: {}", read.ToString());
  });
  ForgetCgroups(ended);
  ForgetCgroups(given_up_strays_);
  given_up_strays_ = strays_.EndRead();
  for (uint64_t cgroup_id : given_up_strays_) probes_.Forget(cgroup_id);
  stray_cgroups_.Increment(static_cast<double>(given_up_strays_.size()));
  if (unknown > 0) {
    unknown_cgroups_.Increment(static_cast<double>(unknown));
    inventory_.RequestWalk();
  }
}

template <typename Series, typename Row>
KernelCounters::Owner KernelCounters::Fold(Series& series, const Row& row, EntityRef node,
                                           FindEntity find) {
  if (row.cgroup_id == kNoCgroup) {
    series.Fold(node, row);
    return Owner::kKnown;
  }
  const Cgroup* cgroup = inventory_.Find(row.cgroup_id);
  if (const auto owner = cgroup == nullptr ? std::nullopt : find(cgroup->entity)) {
    series.Fold(*owner, row);
    return Owner::kKnown;
  }
  if (!strays_.Note(row.cgroup_id, inventory_.walks())) return Owner::kUnknown;
  if (series.Fold(node, row)) strays_.Grew(row.cgroup_id);
  return Owner::kStray;
}

void KernelCounters::ForgetCgroups(const std::vector<uint64_t>& cgroup_ids) {
  for (uint64_t cgroup_id : cgroup_ids) {
    ForEachTable([&](auto& table) { table.series.ForgetCgroup(cgroup_id); });
  }
}

void KernelCounters::Record(const aggregate::Subject& subject, aggregate::Recorder& recorder) {
  ForEachTable([&](auto& table) { table.series.Record(subject, recorder); });
}

void KernelCounters::Forget(EntityRef owner) {
  ForEachTable([&](auto& table) { table.series.Forget(owner); });
}

}  // namespace leadline::agent
