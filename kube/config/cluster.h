// The `cluster` of a kubeconfig: where its API server is.
#pragma once

#include "absl/status/status.h"

#include "kube/client_config.h"
#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

// Errors are YamlNode::Error's.
absl::Status ReadCluster(const YamlNode& cluster, ClientConfig& client);

}  // namespace leadline::kube::config
