// A kind of objects to list and watch.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "boost/json/fwd.hpp"

#include "kube/object.h"

namespace leadline::kube {

struct Resource {
  std::string name;            // in logs and metrics: "pods"
  std::string path;            // "/api/v1/pods"
  std::string field_selector;  // "spec.nodeName=node-1"; "" for all
  absl::StatusOr<std::shared_ptr<const Object>> (*decode)(const boost::json::value&) = nullptr;
};

// The pods of one node; of all nodes when `node` is "".
Resource PodsOfNode(const std::string& node);
// The same, each decoded by DecodePodAddresses.
Resource PodAddresses(const std::string& node);

Resource Services();
Resource EndpointSlices();

}  // namespace leadline::kube
