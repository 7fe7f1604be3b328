#include "collector/cluster/service_addresses.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>

namespace leadline::collector::cluster {
namespace {

std::string KeyOf(const kube::ObjectMeta& meta) {
  return fmt::format("{}/{}", meta.namespace_name, meta.name);
}

std::string KeyOf(const kube::EndpointSlice& slice) {
  return fmt::format("{}/{}", slice.meta.namespace_name, slice.service);
}

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

void ServiceAddresses::OnService(const kube::Event& event, int64_t now_ms) {
  if (event.type == kube::EventType::kSynced) {
    services_synced_ = true;
    return;
  }
  auto service = std::static_pointer_cast<const kube::Service>(event.object);
  if (event.type == kube::EventType::kDeleted) {
    Delete(*service);
  } else {
    Apply(std::move(service), now_ms);
  }
}

void ServiceAddresses::OnSlice(const kube::Event& event, int64_t /*now_ms*/) {
  if (event.type == kube::EventType::kSynced) {
    slices_synced_ = true;
    return;
  }
  auto slice = std::static_pointer_cast<const kube::EndpointSlice>(event.object);
  if (event.type == kube::EventType::kDeleted) {
    RemoveSlice(slice->meta.uid);
  } else {
    AddSlice(std::move(slice));
  }
}

ServiceAddresses::Wanted ServiceAddresses::AddressesOf(const kube::Service& service) {
  Wanted wanted;
  const auto add = [&](const std::string& text, uint16_t port) {
    const std::optional<IpAddress> address = ParseIpAddress(text);
    if (!address) {
      ++wanted.unreadable;
    } else if (const IpEndpoint endpoint{*address, port}; !Contains(wanted.addresses, endpoint)) {
      wanted.addresses.push_back(endpoint);
    }
  };
  for (const std::string& text : service.cluster_ips) add(text, 0);
  for (const kube::Service::Port& port : service.ports) {
    for (const std::string& text : service.shared_ips) {
      if (port.port != 0) add(text, port.port);
    }
    if (port.node_port != 0 && !Contains(wanted.node_ports, port.node_port)) {
      wanted.node_ports.push_back(port.node_port);
    }
  }
  return wanted;
}

void ServiceAddresses::Apply(std::shared_ptr<const kube::Service> object, int64_t now_ms) {
  const std::string key = KeyOf(object->meta);
  std::shared_ptr<const kube::Service> former = services_[key].object;
  // One that was made anew may be told of before the end of the former is.
  if (former != nullptr && former->meta.uid != object->meta.uid) {
    Delete(*former);
    former = nullptr;
  }
  const int64_t since_ms =
      former != nullptr && services_synced_ ? now_ms : object->meta.creation_unix_ms;
  const Wanted wanted = AddressesOf(*object);
  unreadable_ += wanted.unreadable;
  services_[key].object = std::move(object);
  Replace(key, former == nullptr ? Wanted() : AddressesOf(*former), wanted, since_ms);
  unsettled_.insert(key);
}

void ServiceAddresses::Delete(const kube::Service& object) {
  const std::string key = KeyOf(object.meta);
  const auto found = services_.find(key);
  if (found == services_.end() || found->second.object == nullptr ||
      found->second.object->meta.uid != object.meta.uid) {
    return;
  }
  Replace(key, AddressesOf(*found->second.object), {}, 0);
  found->second.object = nullptr;
  found->second.workload.reset();
  found->second.workload_since_ms = 0;
  ForgetIfUnused(key);
}

void ServiceAddresses::Replace(const std::string& key, const Wanted& before, const Wanted& after,
                               int64_t since_ms) {
  const auto remove = [&key](auto& by_what, const auto& what, uint16_t port) {
    const auto found = by_what.find(what);
    if (found == by_what.end()) return;
    std::erase_if(found->second,
                  [&](const Claim& one) { return one.service == key && one.port == port; });
    if (found->second.empty()) by_what.erase(found);
  };
  for (const IpEndpoint& old : before.addresses) {
    if (Contains(after.addresses, old)) continue;
    remove(addresses_, old.address, old.port);
    changed_.push_back(old.address);
  }
  for (const uint16_t old : before.node_ports) {
    if (Contains(after.node_ports, old)) continue;
    remove(node_ports_, old, 0);
    node_ports_changed_ = true;
  }
  for (const IpEndpoint& added : after.addresses) {
    if (Contains(before.addresses, added)) continue;
    addresses_[added.address].push_back({key, added.port, since_ms});
    changed_.push_back(added.address);
  }
  for (const uint16_t added : after.node_ports) {
    if (Contains(before.node_ports, added)) continue;
    node_ports_[added].push_back({key, 0, since_ms});
    node_ports_changed_ = true;
  }
}

void ServiceAddresses::AddSlice(std::shared_ptr<const kube::EndpointSlice> slice) {
  RemoveSlice(slice->meta.uid);
  if (slice->service.empty()) return;
  const std::string key = KeyOf(*slice);
  for (const std::string& pod : slice->pod_uids) of_pods_[pod].push_back(key);
  services_[key].slices.insert(slice->meta.uid);
  unsettled_.insert(key);
  slices_[slice->meta.uid] = std::move(slice);
}

void ServiceAddresses::RemoveSlice(const std::string& uid) {
  const auto known = slices_.find(uid);
  if (known == slices_.end()) return;
  const std::shared_ptr<const kube::EndpointSlice> slice = std::move(known->second);
  slices_.erase(known);
  const std::string key = KeyOf(*slice);
  for (const std::string& pod : slice->pod_uids) {
    std::vector<std::string>& keys = of_pods_.at(pod);
    keys.erase(std::find(keys.begin(), keys.end(), key));
    if (keys.empty()) of_pods_.erase(pod);
  }
  services_.at(key).slices.erase(uid);
  unsettled_.insert(key);
  ForgetIfUnused(key);
}

void ServiceAddresses::ForgetIfUnused(const std::string& key) {
  const auto service = services_.find(key);
  if (service->second.object != nullptr || !service->second.slices.empty()) return;
  services_.erase(service);
}

void ServiceAddresses::PodChanged(std::string_view pod_uid) {
  const auto services = of_pods_.find(pod_uid);
  if (services == of_pods_.end()) return;
  for (const std::string& key : services->second) unsettled_.insert(key);
}

void ServiceAddresses::Settle(const PodAddresses& pods, int64_t now_ms) {
  for (const std::string& key : std::exchange(unsettled_, {})) {
    const auto found = services_.find(key);
    if (found == services_.end() || found->second.object == nullptr) continue;
    Service& service = found->second;
    std::optional<Workload> workload = WorkloadOf(service, pods);
    if (!workload || workload == service.workload) continue;
    // What is only learned has been so from the begin.
    if (service.workload && slices_synced_) service.workload_since_ms = now_ms;
    service.workload = std::move(workload);
    Changed(key);
  }
}

std::optional<PodAddresses::Workload> ServiceAddresses::WorkloadOf(const Service& service,
                                                                   const PodAddresses& pods) const {
  std::optional<Workload> all;
  bool is_known = true;
  absl::flat_hash_set<std::string_view> seen;
  for (const std::string& uid : service.slices) {
    const kube::EndpointSlice& slice = *slices_.at(uid);
    if (slice.has_others) return Workload{};
    for (const std::string& pod : slice.pod_uids) {
      const std::string_view group = pods.GroupOf(pod);
      if (!group.empty() && !seen.insert(group).second) continue;
      const std::optional<Workload> one = pods.WorkloadOf(pod);
      if (!one) {
        is_known = false;
      } else if (all && *all != *one) {
        return Workload{};
      } else {
        all = one;
      }
    }
  }
  return is_known ? all : std::nullopt;
}

void ServiceAddresses::Changed(const std::string& key) {
  const Wanted wanted = AddressesOf(*services_.at(key).object);
  for (const IpEndpoint& endpoint : wanted.addresses) changed_.push_back(endpoint.address);
  node_ports_changed_ |= !wanted.node_ports.empty();
}

Who ServiceAddresses::At(const IpEndpoint& endpoint) const {
  const auto claims = addresses_.find(endpoint.address);
  return claims == addresses_.end() ? Who() : Tell(claims->second, endpoint.port);
}

Who ServiceAddresses::AtNodePort(uint16_t port) const {
  const auto claims = node_ports_.find(port);
  return claims == node_ports_.end() ? Who() : Tell(claims->second, port);
}

Who ServiceAddresses::Tell(const Claims& claims, uint16_t port) const {
  const Claim* only = nullptr;
  for (const Claim& claim : claims) {
    if (claim.port != 0 && claim.port != port) continue;
    if (only != nullptr && only->service != claim.service) return {};
    only = &claim;
  }
  if (only == nullptr) return {};
  const auto found = services_.find(only->service);
  if (found == services_.end() || found->second.object == nullptr) return {};
  const Service& service = found->second;
  LabelSet labels{{"peer_type", "service"},
                  {"peer_namespace", service.object->meta.namespace_name},
                  {"peer_service", service.object->meta.name}};
  if (service.workload && !service.workload->name.empty()) {
    labels.Set("peer_workload", service.workload->name);
    labels.Set("peer_workload_type", service.workload->type);
  }
  return {.labels = std::move(labels),
          .since_ms = std::max(only->since_ms, service.workload_since_ms)};
}

}  // namespace leadline::collector::cluster
