// The `user` of a kubeconfig: who we are.
#pragma once

#include "absl/status/status.h"

#include "kube/client_config.h"
#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

// `cluster` and what `client` already has of it are for plugins that want to know.
// Errors are YamlNode::Error's; more than one of token, password and plugin is one, as in kubectl.
absl::Status ReadUser(const YamlNode& user, const YamlNode& cluster, ClientConfig& client);

}  // namespace leadline::kube::config
