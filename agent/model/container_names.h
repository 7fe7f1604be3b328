// What a container runtime says a container is called.
//
// Plain values; "" for what the runtime does not know.
#pragma once

#include <string>

namespace leadline::agent {

struct ContainerNames {
  std::string container;  // "" for the sandbox of a pod
  std::string image;
  // Of the pod that the runtime runs it for.
  std::string pod;
  std::string namespace_name;
  std::string pod_uid;

  bool operator==(const ContainerNames&) const = default;
};

}  // namespace leadline::agent
