#include "agent/pod_networks.h"

#include <utility>

#include <spdlog/spdlog.h>

#include "agent/source/file_reader.h"
#include "agent/source/net_dev.h"
#include "agent/source/node_files.h"
#include "agent/source/processes.h"

namespace leadline::agent {
namespace {

std::optional<uint64_t> NetworkOf(int32_t pid) {
  const auto inode = source::NetworkNamespace(pid);
  return inode.ok() ? std::optional(*inode) : std::nullopt;
}

std::optional<uint64_t> StartOf(int32_t pid) {
  source::FileReader reader;
  const auto stat = source::ReadProcessStat(pid, reader);
  return stat.ok() ? std::optional(stat->start_ticks) : std::nullopt;
}

std::optional<uint64_t> OwnNetwork() {
  const source::Inode inode = source::InodeOf("/proc/self/ns/net");
  return inode.error == 0 ? std::optional(inode.number) : std::nullopt;
}

std::optional<uint64_t> HostNetwork() {
  const auto inode = source::NetworkNamespace(1);
  if (inode.ok()) return *inode;
  spdlog::info("taking the agent's own network namespace for the host's: {}",
               inode.status().ToString());
  return OwnNetwork();
}

}  // namespace

PodNetworks::PodNetworks() : PodNetworks({NetworkOf, StartOf}, HostNetwork()) {}

PodNetworks::PodNetworks(Processes processes, std::optional<uint64_t> host_network)
    : processes_(std::move(processes)), host_network_(host_network) {}

std::optional<int32_t> PodNetworks::Member(const Id128& pod, const std::vector<int32_t>& pids) {
  if (const auto known = network_of_.find(pod); known != network_of_.end()) {
    for (int32_t pid : pids) {
      if (processes_.network(pid) == known->second) return pid;
    }
  }
  const std::optional<int32_t> oldest = Oldest(pids);
  if (!oldest) return std::nullopt;
  const std::optional<uint64_t> network = processes_.network(*oldest);
  // A container's first process is still in the host's for a moment, so that is not remembered.
  if (!network || network == host_network_) return std::nullopt;
  network_of_[pod] = *network;
  return oldest;
}

std::optional<int32_t> PodNetworks::Oldest(const std::vector<int32_t>& pids) {
  std::optional<std::pair<uint64_t, int32_t>> oldest;
  for (int32_t pid : pids) {
    const std::optional<uint64_t> start_ticks = processes_.start_ticks(pid);
    if (!start_ticks) continue;
    const std::pair candidate(*start_ticks, pid);
    if (!oldest || candidate < *oldest) oldest = candidate;
  }
  return oldest ? std::optional(oldest->second) : std::nullopt;
}

}  // namespace leadline::agent
