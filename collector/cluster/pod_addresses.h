// Who has which address, as far as the pods of all nodes tell: the pods themselves, and the nodes.
//
// Labels of a pod are those that its node's agent gives it (agent/meta/peer_table.h). Of several
// pods with one address the youngest that lives has it, since the API names the addresses of pods
// that have ended too. A pod that has ended keeps its address until Expire: what it did is told
// later. Pods in their node's network have no address of their own.
//
// Times are milliseconds since the Unix epoch. Pure; not thread-safe. Bounds: max_ended, and what
// the API has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "collector/cluster/who.h"
#include "common/ended_set.h"
#include "common/ip_address.h"
#include "common/string_map.h"
#include "kube/pods/pod_event.h"

namespace leadline::collector::cluster {

class PodAddresses {
 public:
  struct Workload {
    std::string name;
    std::string type;
    bool operator==(const Workload&) const = default;
  };

  explicit PodAddresses(size_t max_ended) : max_ended_(max_ended) {}

  void OnEvent(const kube::pods::PodEvent& event, int64_t now_ms);
  // Forgets the addresses of pods that ended before `before_ms`, and beyond max_ended those that
  // ended first, whose number it returns.
  size_t Expire(int64_t before_ms);

  // Nobody where no pod has had the address.
  Who PodAt(const IpAddress& address) const;
  Who NodeAt(const IpAddress& address) const;
  // The uid of what owns the pod directly, or its own: pods with the same one have one workload. ""
  // where the pod is not known. Valid until the next change.
  std::string_view GroupOf(std::string_view pod_uid) const;
  // nullopt while it is not known.
  std::optional<Workload> WorkloadOf(std::string_view pod_uid) const;

  // What has changed since the last call: addresses, and pods by what GroupOf and WorkloadOf say.
  std::vector<IpAddress> TakeChanged() { return std::exchange(changed_, {}); }
  std::vector<std::string> TakeChangedPods() { return std::exchange(changed_pods_, {}); }

  template <typename Take>
  void ForEachNodeAddress(Take take) const {
    for (const auto& [address, claims] : nodes_) take(address);
  }
  size_t pod_addresses() const { return holders_.size(); }
  size_t node_addresses() const { return nodes_.size(); }
  // Texts that are no addresses, so far.
  uint64_t unreadable() const { return unreadable_; }

 private:
  struct Known {
    std::shared_ptr<const kube::Pod> pod;
    int64_t owner_since_ms = 0;  // 0: for as long as it is known
    size_t held = 0;             // addresses
    bool deleted = false;
  };
  struct Holder {
    std::string uid;  // of the pod
    int64_t since_ms = 0;
    int64_t ended_ms = 0;  // 0 while the pod has it
  };
  struct Owner {
    size_t pods = 0;
    std::optional<kube::OwnerChain> chain;
  };
  // A node, as long as pods say that the address is its.
  struct NodeClaim {
    std::string node;
    size_t pods = 0;
    int64_t since_ms = 0;
    int64_t youngest_ms = 0;  // when the youngest of those pods was created
  };

  void Apply(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms);
  void Delete(const kube::Pod& pod, int64_t now_ms);
  void SetOwners(const kube::pods::OwnersResolved& owners);
  void SetOwner(Known& known, const kube::Pod* before, int64_t now_ms);
  void Claim(const IpAddress& address, Known& known, int64_t since_ms, int64_t now_ms);
  void Release(const IpAddress& address, const std::string& uid, int64_t now_ms);
  void LetGo(const std::string& uid);
  void ForgetIfUnused(const std::string& uid);
  void DropOwner(const kube::Pod& pod);
  void ClaimNode(const kube::Pod& pod);
  void ReleaseNode(const kube::Pod& pod);
  void Changed(const kube::Pod& pod);
  std::vector<IpAddress> Parse(const std::vector<std::string>& texts);
  const kube::OwnerChain* ChainOf(const kube::Pod& pod) const;
  LabelSet LabelsOf(const kube::Pod& pod) const;

  const size_t max_ended_;
  bool synced_ = false;
  uint64_t unreadable_ = 0;
  StringMap<Known> pods_;    // by metadata.uid
  StringMap<Owner> owners_;  // direct ones, by uid
  absl::flat_hash_map<IpAddress, Holder> holders_;
  absl::flat_hash_map<IpAddress, std::vector<NodeClaim>> nodes_;
  EndedSet<IpAddress> ended_;
  std::vector<IpAddress> changed_;
  std::vector<std::string> changed_pods_;
};

}  // namespace leadline::collector::cluster
