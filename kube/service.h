// A service, as far as it has addresses.
//
// Immutable once it is shared. Source: Kubernetes API reference, Service v1.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

#include "kube/object.h"

namespace leadline::kube {

struct Service : Object {  // without labels
  struct Port {
    uint16_t port = 0;
    uint16_t node_port = 0;  // on every node; 0: none
  };

  std::vector<std::string> cluster_ips;  // none of a headless service
  // External and load balancer's, which services with other ports may have too.
  std::vector<std::string> shared_ips;
  std::vector<Port> ports;
};

// INVALID_ARGUMENT names the field that is missing or of another type than documented.
absl::StatusOr<std::shared_ptr<const Object>> DecodeService(const boost::json::value& json);

}  // namespace leadline::kube
