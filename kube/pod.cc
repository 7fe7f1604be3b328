#include "kube/pod.h"

#include <utility>

#include <boost/json.hpp>

#include "common/string_map.h"
#include "kube/json.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

struct ContainerFields {
  ContainerType type;
  std::string_view spec;
  std::string_view status;
};
constexpr ContainerFields kContainerFields[] = {
    {ContainerType::kInit, "initContainers", "initContainerStatuses"},
    {ContainerType::kApp, "containers", "containerStatuses"},
    {ContainerType::kEphemeral, "ephemeralContainers", "ephemeralContainerStatuses"},
};

bool IsBareDigest(std::string_view image) { return image.starts_with("sha256:"); }

void ReadStatus(FieldReader& reader, const json::object* status, Container& container) {
  const std::string_view image = reader.String(status, "image");
  if (!image.empty() && !IsBareDigest(image)) container.image = image;
  container.container_id = StripRuntime(reader.String(status, "containerID"));

  const json::object* state = reader.Object(status, "state");
  const json::object* terminated = reader.Object(state, "terminated");
  if (terminated != nullptr) {
    container.state = ContainerState::kTerminated;
  } else if (reader.Object(state, "running") != nullptr) {
    container.state = ContainerState::kRunning;
  } else if (reader.Object(state, "waiting") != nullptr) {
    container.state = ContainerState::kWaiting;
  }
  const json::object* last = reader.Object(reader.Object(status, "lastState"), "terminated");
  for (const json::object* run : {terminated, last}) {
    const std::string_view id = StripRuntime(reader.String(run, "containerID"));
    if (id.empty() || id == container.container_id) continue;
    container.former_container_ids.emplace_back(id);
  }
}

void ReadContainers(FieldReader& reader, const json::object* spec, const json::object* status,
                    const ContainerFields& fields, Pod& pod) {
  StringMap<size_t> by_name;
  if (const json::array* specs = reader.Array(spec, fields.spec)) {
    for (const json::value& element : *specs) {
      const json::object* one = reader.Root(element);
      Container container{.name = std::string(reader.Required(one, "name")),
                          .type = fields.type,
                          .image = std::string(reader.String(one, "image"))};
      by_name[container.name] = pod.containers.size();
      pod.containers.push_back(std::move(container));
    }
  }
  const json::array* statuses = reader.Array(status, fields.status);
  if (statuses == nullptr) return;
  for (const json::value& element : *statuses) {
    const json::object* one = reader.Root(element);
    const auto it = by_name.find(reader.Required(one, "name"));
    if (it != by_name.end()) ReadStatus(reader, one, pod.containers[it->second]);
  }
}

// A pod with the mirror annotation can only be made by the kubelet of its node (NodeRestriction).
// Its value is the hash, which kubelets give in an annotation of its own as well.
std::string_view StaticUid(FieldReader& reader, const json::object* root) {
  const json::object* annotations = reader.Object(reader.Object(root, "metadata"), "annotations");
  const std::string_view mirror = reader.String(annotations, "kubernetes.io/config.mirror");
  if (mirror.empty()) return {};
  const std::string_view hash = reader.String(annotations, "kubernetes.io/config.hash");
  return hash.empty() ? mirror : hash;
}

// Older servers have the first address only, in a field of its own.
std::vector<std::string> ReadIps(FieldReader& reader, const json::object* status,
                                 std::string_view all, std::string_view first) {
  std::vector<std::string> addresses;
  if (const json::array* ips = reader.Array(status, all)) {
    for (const json::value& ip : *ips) {
      addresses.emplace_back(reader.String(reader.Root(ip), "ip"));
    }
  } else if (const std::string_view ip = reader.String(status, first); !ip.empty()) {
    addresses.emplace_back(ip);
  }
  return addresses;
}

absl::StatusOr<std::shared_ptr<Pod>> ReadPod(const json::value& json, bool with_containers) {
  FieldReader reader;
  const json::object* root = reader.Root(json);
  auto pod = std::make_shared<Pod>();
  pod->meta = ReadMeta(reader, root);
  if (pod->meta.namespace_name.empty() && reader.status().ok()) {
    return absl::InvalidArgumentError("field \"namespace\" is missing");
  }
  pod->static_uid = StaticUid(reader, root);
  const json::object* spec = reader.Object(root, "spec");
  const json::object* status = reader.Object(root, "status");
  pod->node_name = reader.String(spec, "nodeName");
  pod->host_network = reader.Bool(spec, "hostNetwork");
  pod->phase = reader.String(status, "phase");
  pod->ips = ReadIps(reader, status, "podIPs", "podIP");
  pod->host_ips = ReadIps(reader, status, "hostIPs", "hostIP");
  if (with_containers) {
    for (const ContainerFields& fields : kContainerFields) {
      ReadContainers(reader, spec, status, fields, *pod);
    }
  }
  if (!reader.status().ok()) return reader.status();
  return pod;
}

}  // namespace

std::string_view StripRuntime(std::string_view container_id) {
  const size_t separator = container_id.find("://");
  return separator == std::string_view::npos ? container_id : container_id.substr(separator + 3);
}

absl::StatusOr<std::shared_ptr<const Object>> DecodePod(const json::value& json) {
  return ReadPod(json, true);
}

absl::StatusOr<std::shared_ptr<const Object>> DecodePodAddresses(const json::value& json) {
  auto pod = ReadPod(json, false);
  if (!pod.ok()) return pod.status();
  (*pod)->meta.labels = {};
  return *std::move(pod);
}

}  // namespace leadline::kube
