#include "kube/config/yaml_node.h"

#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "common/status_macros.h"

namespace leadline::kube::config {

YamlNode::YamlNode(std::shared_ptr<const std::string> file, std::string key, int line,
                   const YAML::Node& node)
    : file_(std::move(file)), key_(std::move(key)), line_(line), node_(node) {
  present_ = node_.IsDefined() && !node_.IsNull();
  if (present_ && node_.Mark().line >= 0) line_ = node_.Mark().line + 1;
}

absl::StatusOr<YamlNode> YamlNode::Parse(const std::string& file, const std::string& text) {
  try {
    return YamlNode(std::make_shared<const std::string>(file), "", 1, YAML::Load(text));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
}

const std::string& YamlNode::file() const {
  static const std::string none;
  return file_ == nullptr ? none : *file_;
}

absl::StatusOr<YamlNode> YamlNode::Get(const std::string& key) const {
  std::string path = key_.empty() ? key : fmt::format("{}.{}", key_, key);
  if (!present_) return YamlNode(file_, std::move(path), line_, YAML::Node());
  if (!node_.IsMap()) return Error("is not a map");
  const YAML::Node& map = node_;  // looking up must not insert
  const YAML::Node child = map[key];
  return YamlNode(file_, std::move(path), line_, child.IsDefined() ? child : YAML::Node());
}

absl::StatusOr<std::vector<YamlNode>> YamlNode::Items() const {
  std::vector<YamlNode> items;
  if (!present_) return items;
  if (!node_.IsSequence()) return Error("is not a list");
  for (const YAML::Node& item : node_) {
    items.push_back(YamlNode(file_, fmt::format("{}[{}]", key_, items.size()), line_, item));
  }
  return items;
}

absl::StatusOr<std::string> YamlNode::String() const {
  if (!present_) return std::string();
  if (!node_.IsScalar()) return Error("is not a text");
  return node_.Scalar();
}

absl::StatusOr<bool> YamlNode::Bool() const {
  bool value = false;
  if (present_ && !(node_.IsScalar() && YAML::convert<bool>::decode(node_, value))) {
    return Error("is neither true nor false");
  }
  return value;
}

absl::StatusOr<std::string> YamlNode::String(const std::string& key) const {
  LL_ASSIGN_OR_RETURN(const YamlNode child, Get(key));
  return child.String();
}

absl::StatusOr<bool> YamlNode::Bool(const std::string& key) const {
  LL_ASSIGN_OR_RETURN(const YamlNode child, Get(key));
  return child.Bool();
}

absl::Status YamlNode::Error(std::string_view what) const {
  return absl::InvalidArgumentError(
      fmt::format("{}:{}: {}{}{}", file(), line_, key_, key_.empty() ? "" : ": ", what));
}

}  // namespace leadline::kube::config
