// Who has which address in the cluster, by what its API says of pods, services and endpoint slices.
//
// A pod's address is the pod; an address of a service, and a service's port on a node, the service;
// any other of a node the node. Nothing is guessed: what may be several is nobody.
//
// Times are milliseconds since the Unix epoch. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collector/cluster/pod_addresses.h"
#include "collector/cluster/service_addresses.h"
#include "collector/cluster/who.h"
#include "common/ip_endpoint.h"
#include "kube/event.h"
#include "kube/pods/pod_event.h"

namespace leadline::collector::cluster {

class ClusterMap {
 public:
  struct Options {
    // How long the address of a pod that has ended is still told as its.
    int64_t retention_ms = 300'000;
    size_t max_ended = 65'536;
  };

  explicit ClusterMap(Options options) : options_(options), pods_(options.max_ended) {}

  void OnPod(const kube::pods::PodEvent& event, int64_t now_ms) { pods_.OnEvent(event, now_ms); }
  void OnService(const kube::Event& event, int64_t now_ms) { services_.OnService(event, now_ms); }
  void OnSlice(const kube::Event& event, int64_t now_ms) { services_.OnSlice(event, now_ms); }
  // Forgets what ended long ago; how much of it was forgotten for lack of room.
  size_t Expire(int64_t now_ms) { return pods_.Expire(now_ms - options_.retention_ms); }

  // Ends a group of changes: the addresses, by which At may say something else than before. Until
  // then At may not know all that the changes mean.
  std::vector<IpAddress> TakeChanged(int64_t now_ms);

  // The port counts for what is told by the port only; 0: none in particular.
  Who At(const IpEndpoint& endpoint) const;

  size_t pod_addresses() const { return pods_.pod_addresses(); }
  size_t node_addresses() const { return pods_.node_addresses(); }
  size_t service_addresses() const { return services_.addresses(); }
  uint64_t unreadable() const { return pods_.unreadable() + services_.unreadable(); }

 private:
  const Options options_;
  PodAddresses pods_;
  ServiceAddresses services_;
};

}  // namespace leadline::collector::cluster
