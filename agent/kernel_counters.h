// What the kernel's tables count, as counters of the entities that their cgroups belong to.
//
// A table is one entry of Tables: how it is read, and the series that are made of it. The series
// have Fold, Record, ForgetCgroup and Forget as aggregate::SyscallSeries has them; the rows have a
// cgroup_id, 0 for what the kernel had no room to tell apart.
//
// A row counts for the entity of its cgroup. One whose cgroup is not known stays in the kernel
// until a walk of the tree; what neither an event nor a walk has named belongs to the node
// (StrayCgroups).
//
// Not thread-safe. Everything passed to the constructor must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"

#include "agent/aggregate/connection_series.h"
#include "agent/aggregate/edge_entities.h"
#include "agent/aggregate/process_event_series.h"
#include "agent/aggregate/recorder.h"
#include "agent/aggregate/request_series.h"
#include "agent/aggregate/syscall_series.h"
#include "agent/cgroup_inventory.h"
#include "agent/export/batcher.h"
#include "agent/model/peer.h"
#include "agent/probes/probes.h"
#include "agent/stray_cgroups.h"
#include "common/id128.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace leadline::agent {

class KernelCounters {
 public:
  // The number of an entity; none while it is not defined.
  using FindEntity = absl::FunctionRef<std::optional<EntityRef>(const Id128&)>;

  KernelCounters(probes::Probes& probes, CgroupInventory& inventory, PeerNames& peers,
                 Batcher& batcher, prometheus::Registry& registry);

  // Adds what every table has counted since the last read. Rows of the inventory's ended cgroups
  // are read a last time and given up.
  void Read(EntityRef node, FindEntity find);

  // Writes the counters of an entity, which the subject names as its owner too; nothing for one
  // that has none.
  void Record(const aggregate::Subject& subject, aggregate::Recorder& recorder);
  void Forget(EntityRef owner);

 private:
  template <typename SeriesType, auto kReadRows>
  struct Table {
    static constexpr auto kRead = kReadRows;  // a member of probes::Probes
    SeriesType series;
  };
  using Tables = std::tuple<Table<aggregate::SyscallSeries, &probes::Probes::ReadSyscalls>,
                            Table<aggregate::ProcessEventSeries, &probes::Probes::ReadProcesses>,
                            Table<aggregate::TcpSeries, &probes::Probes::ReadTcp>,
                            Table<aggregate::UdpSeries, &probes::Probes::ReadUdp>,
                            Table<aggregate::RequestSeries, &probes::Probes::ReadRequests>>;

  template <typename Function>
  void ForEachTable(Function function) {
    std::apply([&](auto&... table) { (function(table), ...); }, tables_);
  }
  enum class Owner : uint8_t { kKnown, kStray, kUnknown };
  // What a stray cgroup counted is the node's; what an unknown one did waits.
  template <typename Series, typename Row>
  Owner Fold(Series& series, const Row& row, EntityRef node, FindEntity find);
  void ForgetCgroups(const std::vector<uint64_t>& cgroup_ids);

  probes::Probes& probes_;
  CgroupInventory& inventory_;
  aggregate::EdgeEntities edges_;
  Tables tables_;
  StrayCgroups strays_;
  std::vector<uint64_t> given_up_strays_;  // the next read hands out their rows a last time

  prometheus::Counter& unknown_cgroups_;
  prometheus::Counter& stray_cgroups_;
};

}  // namespace leadline::agent
