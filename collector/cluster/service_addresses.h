// Which service has which address, and whose the pods behind it are.
//
// Labels: peer_type="service", peer_namespace, peer_service, and where all endpoints of the service
// are pods of one workload peer_workload and peer_workload_type. While something of that is not
// known, and while there are no endpoints, it stays as it was.
//
// A cluster address belongs to one service with all its ports; external and load balancers'
// addresses, and the ports of nodes, are told by the port. What several services may mean (one port
// for TCP and for UDP) is nobody's.
//
// Times are milliseconds since the Unix epoch. Pure; not thread-safe. Bounds: what the API has.
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

#include "collector/cluster/pod_addresses.h"
#include "collector/cluster/who.h"
#include "common/ip_endpoint.h"
#include "common/string_map.h"
#include "kube/endpoint_slice.h"
#include "kube/event.h"
#include "kube/service.h"

namespace leadline::collector::cluster {

class ServiceAddresses {
 public:
  // Of kube::Service and kube::EndpointSlice.
  void OnService(const kube::Event& event, int64_t now_ms);
  void OnSlice(const kube::Event& event, int64_t now_ms);
  // Something is new of a pod.
  void PodChanged(std::string_view pod_uid);
  // Brings the workloads up to date, of services of which something has changed.
  void Settle(const PodAddresses& pods, int64_t now_ms);

  // Nobody where no service has it, or several may.
  Who At(const IpEndpoint& endpoint) const;
  Who AtNodePort(uint16_t port) const;

  // What has changed since the last call.
  std::vector<IpAddress> TakeChanged() { return std::exchange(changed_, {}); }
  // Whether a port of all nodes has changed since the last call.
  bool TakeNodePortsChanged() { return std::exchange(node_ports_changed_, false); }

  size_t addresses() const { return addresses_.size() + node_ports_.size(); }
  // Texts that are no addresses, so far.
  uint64_t unreadable() const { return unreadable_; }

 private:
  using Workload = PodAddresses::Workload;

  struct Service {
    std::shared_ptr<const kube::Service> object;  // nullptr until the API has named it
    StringSet slices;                             // their uids
    // Whose the endpoints are; "" of several. nullopt until that is known.
    std::optional<Workload> workload;
    int64_t workload_since_ms = 0;
  };
  struct Claim {
    std::string service;  // namespace/name
    uint16_t port = 0;    // 0: whatever the port
    int64_t since_ms = 0;
  };
  using Claims = std::vector<Claim>;
  struct Wanted {
    std::vector<IpEndpoint> addresses;
    std::vector<uint16_t> node_ports;
    size_t unreadable = 0;
  };

  void Apply(std::shared_ptr<const kube::Service> object, int64_t now_ms);
  void Delete(const kube::Service& object);
  void Replace(const std::string& key, const Wanted& before, const Wanted& after, int64_t since_ms);
  void AddSlice(std::shared_ptr<const kube::EndpointSlice> slice);
  void RemoveSlice(const std::string& uid);
  void ForgetIfUnused(const std::string& key);
  static Wanted AddressesOf(const kube::Service& service);
  std::optional<Workload> WorkloadOf(const Service& service, const PodAddresses& pods) const;
  void Changed(const std::string& key);
  Who Tell(const Claims& claims, uint16_t port) const;

  bool services_synced_ = false;
  bool slices_synced_ = false;
  uint64_t unreadable_ = 0;
  StringMap<Service> services_;                                   // by namespace/name
  StringMap<std::shared_ptr<const kube::EndpointSlice>> slices_;  // of services, by uid
  absl::flat_hash_map<IpAddress, Claims> addresses_;
  absl::flat_hash_map<uint16_t, Claims> node_ports_;
  // The services of slices that name a pod, one for each slice.
  StringMap<std::vector<std::string>> of_pods_;
  StringSet unsettled_;
  std::vector<IpAddress> changed_;
  bool node_ports_changed_ = false;
};

}  // namespace leadline::collector::cluster
