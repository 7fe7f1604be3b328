#include "kube/resource.h"

#include <fmt/format.h>

#include "kube/pod.h"

namespace leadline::kube {

Resource PodsOfNode(const std::string& node) {
  return {.name = "pods",
          .path = "/api/v1/pods",
          .field_selector = node.empty() ? "" : fmt::format("spec.nodeName={}", node),
          .decode = DecodePod};
}

}  // namespace leadline::kube
