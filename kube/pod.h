// A pod, as far as attribution needs it.
//
// Immutable once it is shared. Source: Kubernetes API reference, Pod v1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

#include "kube/object.h"

namespace leadline::kube {

enum class ContainerType : uint8_t { kInit, kApp, kEphemeral };
enum class ContainerState : uint8_t { kUnknown, kWaiting, kRunning, kTerminated };

struct Container {
  std::string name;
  ContainerType type = ContainerType::kApp;
  std::string image;  // as the runtime reports it, else as the specification has it
  ContainerState state = ContainerState::kUnknown;
  std::string container_id;  // without the runtime's prefix; "" before it was first started
  // The ids of former runs that the status still names.
  std::vector<std::string> former_container_ids;
};

struct Pod : Object {
  std::string node_name;
  std::string phase;
  bool host_network = false;
  std::vector<std::string> ips;
  std::vector<std::string> host_ips;  // of its node
  std::vector<Container> containers;  // init, app, ephemeral, each in the specification's order
  // Of a mirror pod, which stands for a static pod of the kubelet: the uid that the kubelet gave
  // the static pod and that its cgroup carries. "" for other pods.
  std::string static_uid;

  // The uid in the names of the pod's cgroups.
  std::string_view CgroupUid() const { return static_uid.empty() ? meta.uid : static_uid; }
};

// INVALID_ARGUMENT names the field that is missing or of another type than documented.
absl::StatusOr<std::shared_ptr<const Object>> DecodePod(const boost::json::value& json);

// The same without labels and containers, for who only wants to know which pod has an address.
absl::StatusOr<std::shared_ptr<const Object>> DecodePodAddresses(const boost::json::value& json);

// "containerd://4f5d" -> "4f5d"; what has no "<runtime>://" stays as it is.
std::string_view StripRuntime(std::string_view container_id);

}  // namespace leadline::kube
