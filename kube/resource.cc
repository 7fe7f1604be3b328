#include "kube/resource.h"

#include <fmt/format.h>

#include "kube/endpoint_slice.h"
#include "kube/pod.h"
#include "kube/service.h"

namespace leadline::kube {

Resource PodsOfNode(const std::string& node) {
  return {.name = "pods",
          .path = "/api/v1/pods",
          .field_selector = node.empty() ? "" : fmt::format("spec.nodeName={}", node),
          .decode = DecodePod};
}

Resource PodAddresses(const std::string& node) {
  Resource resource = PodsOfNode(node);
  resource.decode = DecodePodAddresses;
  return resource;
}

Resource Services() {
  return {.name = "services",
          .path = "/api/v1/services",
          .field_selector = "",
          .decode = DecodeService};
}

Resource EndpointSlices() {
  return {.name = "endpointslices",
          .path = "/apis/discovery.k8s.io/v1/endpointslices",
          .field_selector = "",
          .decode = DecodeEndpointSlice};
}

}  // namespace leadline::kube
