#include "kube/resource_path.h"

#include <fmt/format.h>

#include "kube/url.h"

namespace leadline::kube {
namespace {

struct Builtin {
  std::string_view group;  // "" for the core group
  std::string_view kind;
  std::string_view plural;
};
constexpr Builtin kBuiltins[] = {
    {"", "ReplicationController", "replicationcontrollers"},
    {"apps", "ReplicaSet", "replicasets"},
    {"apps", "Deployment", "deployments"},
    {"apps", "StatefulSet", "statefulsets"},
    {"apps", "DaemonSet", "daemonsets"},
    {"batch", "Job", "jobs"},
    {"batch", "CronJob", "cronjobs"},
};

}  // namespace

std::optional<ResourceName> BuiltinResource(std::string_view api_version, std::string_view kind) {
  const size_t slash = api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
  for (const Builtin& builtin : kBuiltins) {
    if (builtin.group == group && builtin.kind == kind) {
      return ResourceName{.plural = std::string(builtin.plural), .namespaced = true};
    }
  }
  return std::nullopt;
}

std::optional<std::string> GroupPath(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == std::string_view::npos) {
    if (api_version.empty()) return std::nullopt;
    return fmt::format("/api/{}", PercentEncode(api_version));
  }
  const std::string_view group = api_version.substr(0, slash);
  const std::string_view version = api_version.substr(slash + 1);
  if (group.empty() || version.empty() || version.find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  return fmt::format("/apis/{}/{}", PercentEncode(group), PercentEncode(version));
}

std::string ObjectPath(std::string_view group_path, const ResourceName& resource,
                       std::string_view namespace_name, std::string_view name) {
  if (!resource.namespaced) {
    return fmt::format("{}/{}/{}", group_path, PercentEncode(resource.plural), PercentEncode(name));
  }
  return fmt::format("{}/namespaces/{}/{}/{}", group_path, PercentEncode(namespace_name),
                     PercentEncode(resource.plural), PercentEncode(name));
}

}  // namespace leadline::kube
