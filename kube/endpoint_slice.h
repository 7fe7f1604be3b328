// A part of the endpoints of a service: which pods are behind it.
//
// Immutable once it is shared. Source: Kubernetes API reference, EndpointSlice discovery.k8s.io/v1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

#include "kube/object.h"

namespace leadline::kube {

struct EndpointSlice : Object {       // without labels and owners
  std::string service;                // its name, in the slice's namespace; "" where it is of none
  std::vector<std::string> pod_uids;  // those that are not ready too
  bool has_others = false;            // endpoints that are no pods
};

// INVALID_ARGUMENT names the field that is missing or of another type than documented.
absl::StatusOr<std::shared_ptr<const Object>> DecodeEndpointSlice(const boost::json::value& json);

}  // namespace leadline::kube
