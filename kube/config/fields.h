// Fields that clusters and users have in common: files, and PEM data as base64.
//
// Errors are YamlNode::Error's.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "kube/config/yaml_node.h"

namespace leadline::kube::config {

// `path` seen from the folder of the file in which it stands; "" stays "".
std::string RelativeTo(const std::string& file, const std::string& path);

// A file that is there and can be read; "" where the key is absent.
absl::StatusOr<std::string> ReadPath(const YamlNode& parent, const std::string& key);
// Base64 of PEM, decoded; "" where the key is absent.
absl::StatusOr<std::string> ReadPem(const YamlNode& parent, const std::string& key);

}  // namespace leadline::kube::config
