// A value of a YAML file that knows where it stands, so that every error says so.
//
// Absent and null are the same, as in Kubernetes. Errors are INVALID_ARGUMENT and read
// "FILE:LINE: KEY: what is wrong", with KEY as in clusters[0].cluster.server. Files
// are read up to kMaxYamlBytes. Copies share the document. Not thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <yaml-cpp/yaml.h>

namespace leadline::kube::config {

inline constexpr size_t kMaxYamlBytes = size_t{4} << 20;

class YamlNode {
 public:
  YamlNode() = default;  // absent

  // The document in `text`; `file` is for errors. Absent when the text is empty.
  static absl::StatusOr<YamlNode> Parse(const std::string& file, const std::string& text);

  bool present() const { return present_; }
  const std::string& file() const;
  const YAML::Node& yaml() const { return node_; }

  // Of a map; absent where this is.
  absl::StatusOr<YamlNode> Get(const std::string& key) const;
  // Of a list; none where this is absent.
  absl::StatusOr<std::vector<YamlNode>> Items() const;
  // "" and false where absent.
  absl::StatusOr<std::string> String() const;
  absl::StatusOr<bool> Bool() const;
  // Get(key) and then what it is.
  absl::StatusOr<std::string> String(const std::string& key) const;
  absl::StatusOr<bool> Bool(const std::string& key) const;

  absl::Status Error(std::string_view what) const;

 private:
  YamlNode(std::shared_ptr<const std::string> file, std::string key, int line,
           const YAML::Node& node);

  std::shared_ptr<const std::string> file_;
  std::string key_;
  int line_ = 0;  // of its parent where it is absent
  bool present_ = false;
  YAML::Node node_;
};

}  // namespace leadline::kube::config
