// Objects of a cluster, short to write, and a map that they are told to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/cluster/cluster_map.h"
#include "kube/endpoint_slice.h"
#include "kube/event.h"
#include "kube/pod.h"
#include "kube/service.h"

namespace leadline::collector::cluster {

inline constexpr int64_t kBegin = 1'000'000;

// Of namespace shop, on node n2; its uid is "uid-" and the name.
inline kube::Pod Pod(const std::string& name, std::vector<std::string> ips, int64_t created_ms,
                     const std::string& owner_kind = "", const std::string& owner = "") {
  kube::Pod pod;
  pod.meta = {
      .uid = "uid-" + name, .name = name, .namespace_name = "shop", .creation_unix_ms = created_ms};
  if (!owner.empty()) {
    pod.meta.owners = {{"apps/v1", owner_kind, owner, "uid-" + owner, /*controller=*/true}};
  }
  pod.node_name = "n2";
  pod.phase = "Running";
  pod.ips = std::move(ips);
  return pod;
}

// Of kinds and names.
inline kube::OwnerChain Chain(const std::vector<std::pair<std::string, std::string>>& owners) {
  kube::OwnerChain chain;
  for (const auto& [kind, name] : owners) {
    chain.owners.push_back({"apps/v1", kind, name, "uid-" + name});
  }
  return chain;
}

inline kube::Service Service(const std::string& name, std::vector<std::string> cluster_ips,
                             std::vector<kube::Service::Port> ports = {{.port = 80}},
                             int64_t created_ms = kBegin) {
  kube::Service service;
  service.meta = {
      .uid = "uid-" + name, .name = name, .namespace_name = "shop", .creation_unix_ms = created_ms};
  service.cluster_ips = std::move(cluster_ips);
  service.ports = std::move(ports);
  return service;
}

// Of pods, by their names.
inline kube::EndpointSlice Slice(const std::string& name, const std::string& service,
                                 const std::vector<std::string>& pods) {
  kube::EndpointSlice slice;
  slice.meta = {.uid = "uid-" + name, .name = name, .namespace_name = "shop"};
  slice.service = service;
  for (const std::string& pod : pods) slice.pod_uids.push_back("uid-" + pod);
  return slice;
}

// A pod without an owner.
inline std::string BarePeer(const std::string& name) {
  return fmt::format(R"({{peer_namespace="shop", peer_node="n2", peer_pod="{0}", peer_type="pod", )"
                     R"(peer_workload="{0}", peer_workload_type="pod"}})",
                     name);
}
inline std::string NodePeer(const std::string& name) {
  return fmt::format(R"({{peer_node="{}", peer_type="node"}})", name);
}
inline std::string ServicePeer(const std::string& name) {
  return fmt::format(R"({{peer_namespace="shop", peer_service="{}", peer_type="service"}})", name);
}
inline std::string ServicePeer(const std::string& name, const std::string& workload,
                               const std::string& type = "deployment") {
  return fmt::format(R"({{peer_namespace="shop", peer_service="{}", peer_type="service", )"
                     R"(peer_workload="{}", peer_workload_type="{}"}})",
                     name, workload, type);
}

template <typename T>
kube::Event Changed(T object) {
  return {kube::EventType::kModified, std::make_shared<const T>(std::move(object))};
}
template <typename T>
kube::Event Deleted(T object) {
  return {kube::EventType::kDeleted, std::make_shared<const T>(std::move(object))};
}
inline kube::pods::PodEvent Applied(kube::Pod pod) {
  return kube::pods::PodApplied{std::make_shared<const kube::Pod>(std::move(pod))};
}
inline kube::pods::PodEvent Gone(kube::Pod pod) {
  return kube::pods::PodDeleted{std::make_shared<const kube::Pod>(std::move(pod))};
}
inline kube::pods::PodEvent Owners(const std::string& pod, kube::OwnerChain chain) {
  return kube::pods::OwnersResolved{"uid-" + pod, std::move(chain)};
}

class ClusterMapTest : public testing::Test {
 protected:
  void OnPod(const kube::pods::PodEvent& event) { map_.OnPod(event, now_ms_); }
  void OnService(const kube::Event& event) { map_.OnService(event, now_ms_); }
  void OnSlice(const kube::Event& event) { map_.OnSlice(event, now_ms_); }
  // All that there was has been listed.
  void Sync() {
    OnPod(kube::pods::PodsSynced{});
    OnService({kube::EventType::kSynced, nullptr});
    OnSlice({kube::EventType::kSynced, nullptr});
  }

  // "since: labels", from kBegin on or "ever"; "" where nobody is known.
  std::string At(const char* address, uint16_t port = 0) {
    NoteChanged();
    const Who who = map_.At({*ParseIpAddress(address), port});
    if (who.labels.empty()) return "";
    return fmt::format("{}: {}", who.since_ms == 0 ? "ever" : std::to_string(who.since_ms - kBegin),
                       who.labels.ToString());
  }
  // What has changed since the last call, each once.
  std::vector<std::string> TakeChanged() {
    NoteChanged();
    std::vector<std::string> taken = std::exchange(changed_, {});
    std::sort(taken.begin(), taken.end());
    taken.erase(std::unique(taken.begin(), taken.end()), taken.end());
    return taken;
  }

  int64_t now_ms_ = kBegin + 10'000;
  ClusterMap map_{{.retention_ms = 60'000, .max_ended = 3}};

 private:
  void NoteChanged() {
    for (const IpAddress& changed : map_.TakeChanged(now_ms_)) changed_.push_back(ToText(changed));
  }

  std::vector<std::string> changed_;
};

}  // namespace leadline::collector::cluster
