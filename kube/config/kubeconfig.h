// Kubeconfig files, merged by kubectl's rules.
//
// Of clusters, users and contexts of one name and of current-context the first file that has it
// wins as a whole; relative paths are relative to the file they stand in. What is not used is not
// looked into. Errors are INVALID_ARGUMENT and name file, line and key. Plain values.
// Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files"; the
// kubeconfig (v1) API reference.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/string_map.h"
#include "kube/client_config.h"
#include "kube/config/environment.h"
#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

// The files of $KUBECONFIG, or ~/.kube/config where it is not set.
std::vector<std::string> KubeconfigFiles(const Environment& environment);

class Kubeconfig {
 public:
  // Of one file that must be there.
  static absl::StatusOr<Kubeconfig> Read(const std::string& file);
  // Of several; those that are absent are passed over.
  static absl::StatusOr<Kubeconfig> ReadAll(const std::vector<std::string>& files);

  // How to speak to the cluster of `context`; "" is the current one.
  absl::StatusOr<ClientConfig> Client(const std::string& context) const;

 private:
  absl::Status Add(const std::string& file, const std::string& text);

  std::vector<std::string> files_;  // those that were read
  std::string current_context_;
  StringMap<YamlNode> clusters_;
  StringMap<YamlNode> users_;
  StringMap<YamlNode> contexts_;
};

}  // namespace leadline::kube::config
