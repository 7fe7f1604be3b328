// YAML as JSON, for what is only passed on.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

inline constexpr int kMaxYamlDepth = 32;

// Plain scalars are null, booleans and numbers where they read as such, else texts; null where the
// node is absent. YamlNode::Error's beyond kMaxYamlDepth or kMaxYamlBytes of JSON, which aliases
// may make of a small file.
absl::StatusOr<std::string> ToJson(const YamlNode& node);

}  // namespace leadline::kube::config
