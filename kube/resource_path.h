// Where the objects of a kind are served.
//
// Source: Kubernetes API concepts, "Resource URIs".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace leadline::kube {

struct ResourceName {
  std::string plural;  // "deployments"
  bool namespaced = true;

  bool operator==(const ResourceName&) const = default;
};

// Of the controllers that come with Kubernetes; nullopt for other kinds, which need discovery.
std::optional<ResourceName> BuiltinResource(std::string_view api_version, std::string_view kind);

// "/api/v1", "/apis/apps/v1"; nullopt when `api_version` is neither "version" nor "group/version".
std::optional<std::string> GroupPath(std::string_view api_version);

// "/apis/apps/v1/namespaces/shop/deployments/web"
std::string ObjectPath(std::string_view group_path, const ResourceName& resource,
                       std::string_view namespace_name, std::string_view name);

}  // namespace leadline::kube
