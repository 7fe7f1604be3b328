#include "kube/service.h"

#include <limits>

#include <boost/json.hpp>

#include "kube/json.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

void AddAddress(std::string_view address, std::vector<std::string>& addresses) {
  constexpr std::string_view kHeadless = "None";
  if (!address.empty() && address != kHeadless) addresses.emplace_back(address);
}

void ReadAddresses(FieldReader& reader, const json::object* spec, const json::object* status,
                   Service& service) {
  // Older servers have the first address only, in a field of its own.
  if (const json::array* all = reader.Array(spec, "clusterIPs")) {
    for (const json::value& one : *all) {
      AddAddress(reader.Text(one, "clusterIPs"), service.cluster_ips);
    }
  } else {
    AddAddress(reader.String(spec, "clusterIP"), service.cluster_ips);
  }
  if (const json::array* external = reader.Array(spec, "externalIPs")) {
    for (const json::value& one : *external) {
      AddAddress(reader.Text(one, "externalIPs"), service.shared_ips);
    }
  }
  const json::object* balancer = reader.Object(status, "loadBalancer");
  if (const json::array* ingress = reader.Array(balancer, "ingress")) {
    for (const json::value& one : *ingress) {
      AddAddress(reader.String(reader.Root(one), "ip"), service.shared_ips);
    }
  }
}

void ReadPorts(FieldReader& reader, const json::object* spec, Service& service) {
  const json::array* ports = reader.Array(spec, "ports");
  if (ports == nullptr) return;
  constexpr uint64_t kMaxPort = std::numeric_limits<uint16_t>::max();
  for (const json::value& one : *ports) {
    const json::object* port = reader.Root(one);
    service.ports.push_back(
        {.port = static_cast<uint16_t>(reader.Number(port, "port", kMaxPort)),
         .node_port = static_cast<uint16_t>(reader.Number(port, "nodePort", kMaxPort))});
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Object>> DecodeService(const json::value& json) {
  FieldReader reader;
  const json::object* root = reader.Root(json);
  auto service = std::make_shared<Service>();
  service->meta = ReadMeta(reader, root);
  service->meta.labels = {};
  if (service->meta.namespace_name.empty() && reader.status().ok()) {
    return absl::InvalidArgumentError("field \"namespace\" is missing");
  }
  const json::object* spec = reader.Object(root, "spec");
  ReadAddresses(reader, spec, reader.Object(root, "status"), *service);
  ReadPorts(reader, spec, *service);
  if (!reader.status().ok()) return reader.status();
  return service;
}

}  // namespace leadline::kube
