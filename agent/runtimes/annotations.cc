#include "agent/runtimes/annotations.h"

#include <string_view>

#include "agent/runtimes/json_file.h"

namespace leadline::agent::runtimes {
namespace {

// The keys of one writer; "" for what it does not write. A container is one that has `type`, or
// `container` where there is no type.
struct Dialect {
  std::string_view type;
  std::string_view sandbox;  // the value of `type` for the sandbox of a pod
  std::string_view container;
  std::string_view image;
  std::string_view pod;
  std::string_view namespace_name;
  std::string_view pod_uid;
};

constexpr Dialect kDialects[] = {
    // containerd, pkg/cri/annotations/annotations.go; the uid since 1.6.11
    {"io.kubernetes.cri.container-type", "sandbox", "io.kubernetes.cri.container-name",
     "io.kubernetes.cri.image-name", "io.kubernetes.cri.sandbox-name",
     "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-uid"},
    // CRI-O, pkg/annotations/annotations.go; the names are labels of the kubelet
    // (k8s.io/kubelet pkg/types/labels.go), which it repeats
    {"io.kubernetes.cri-o.ContainerType", "sandbox", "io.kubernetes.container.name",
     "io.kubernetes.cri-o.ImageName", "io.kubernetes.pod.name", "io.kubernetes.pod.namespace",
     "io.kubernetes.pod.uid"},
    // cri-dockerd (dockershim before it): the same labels, on a Docker container
    {"io.kubernetes.docker.type", "podsandbox", "io.kubernetes.container.name", "",
     "io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.uid"},
    // nerdctl, pkg/labels/labels.go
    {"", "", "nerdctl/name", "", "", "", ""},
};

}  // namespace

std::optional<ContainerNames> NamesIn(const boost::json::object* annotations) {
  const auto text = [&](std::string_view key) {
    return key.empty() ? std::string() : std::string(TextIn(annotations, key));
  };
  for (const Dialect& dialect : kDialects) {
    const std::string type = text(dialect.type);
    ContainerNames names{.container = text(dialect.container)};
    if (dialect.type.empty() ? names.container.empty() : type.empty()) continue;
    const bool sandbox = !dialect.sandbox.empty() && type == dialect.sandbox;
    if (sandbox) names.container.clear();
    if (!sandbox) names.image = text(dialect.image);
    names.pod = text(dialect.pod);
    names.namespace_name = text(dialect.namespace_name);
    names.pod_uid = text(dialect.pod_uid);
    if (names != ContainerNames{}) return names;
  }
  return std::nullopt;
}

}  // namespace leadline::agent::runtimes
