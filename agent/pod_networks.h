// Which process shows a pod's network.
//
// A pod has one network namespace, which its first container (the sandbox) made. Processes of the
// pod may go into namespaces of their own (Docker in a pod, a browser's sandbox), so whoever reads
// any process's counters would mix up two networks: the pod's is that of its oldest process, and is
// remembered for as long as any process of the pod is in it.
//
// Not thread-safe. Source: /proc/PID/ns/net, /proc/PID/stat.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"

#include "common/id128.h"

namespace leadline::agent {

class PodNetworks {
 public:
  // What is asked of the processes; nullopt for one that is gone.
  struct Processes {
    absl::AnyInvocable<std::optional<uint64_t>(int32_t pid)> network;  // the namespace's inode
    absl::AnyInvocable<std::optional<uint64_t>(int32_t pid)> start_ticks;
  };

  // The node's processes; the host's network is that of process 1.
  PodNetworks();
  PodNetworks(Processes processes, std::optional<uint64_t> host_network);

  // One of `pids`, all of the pod, that is in the pod's network; nullopt when there is none, or the
  // pod is in the host's.
  std::optional<int32_t> Member(const Id128& pod, const std::vector<int32_t>& pids);
  void Forget(const Id128& pod) { network_of_.erase(pod); }

 private:
  std::optional<int32_t> Oldest(const std::vector<int32_t>& pids);

  Processes processes_;
  std::optional<uint64_t> host_network_;
  absl::flat_hash_map<Id128, uint64_t> network_of_;
};

}  // namespace leadline::agent
