// The `exec` of a kubeconfig's user: a program that says who we are.
#pragma once

#include "absl/status/statusor.h"

#include "kube/auth/exec_source.h"
#include "kube/client_config.h"
#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

// `cluster` is that of the kubeconfig, `client` what was made of it: for plugins that want to know.
// Errors are YamlNode::Error's.
absl::StatusOr<auth::ExecOptions> ReadExec(const YamlNode& exec, const YamlNode& cluster,
                                           const ClientConfig& client);

}  // namespace leadline::kube::config
