#include "kube/config/yaml_json.h"

#include <charconv>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace leadline::kube::config {
namespace {

namespace json = boost::json;

template <typename T>
std::optional<T> Number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? std::optional(value) : std::nullopt;
}

json::value Scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return json::value(text);  // it was quoted
  if (text == "true" || text == "false") return text == "true";
  if (const auto integer = Number<int64_t>(text)) return *integer;
  // Not the words that from_chars knows, as in inf and nan.
  const bool digits = text.find_first_of("0123456789") != std::string::npos;
  if (const auto real = Number<double>(text); real && digits) return *real;
  return json::value(text);
}

class Converter {
 public:
  // nullopt beyond the limits.
  std::optional<json::value> Convert(const YAML::Node& node, int depth) {
    bytes_ += node.IsScalar() ? node.Scalar().size() + 1 : 1;
    if (depth > kMaxYamlDepth || bytes_ > kMaxYamlBytes) return std::nullopt;
    if (node.IsMap()) {
      json::object object;
      for (const auto& entry : node) {
        auto value = Convert(entry.second, depth + 1);
        if (!value || !entry.first.IsScalar()) return std::nullopt;
        object[entry.first.Scalar()] = *std::move(value);
      }
      return object;
    }
    if (node.IsSequence()) {
      json::array array;
      for (const YAML::Node& item : node) {
        auto value = Convert(item, depth + 1);
        if (!value) return std::nullopt;
        array.push_back(*std::move(value));
      }
      return array;
    }
    return node.IsScalar() ? Scalar(node) : json::value(nullptr);
  }

 private:
  size_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::string> ToJson(const YamlNode& node) {
  if (!node.present()) return std::string("null");
  const auto value = Converter().Convert(node.yaml(), 1);
  if (!value) {
    return node.Error(
        fmt::format("is deeper than {} levels, longer than {} bytes, or has a key "
                    "that is no text",
                    kMaxYamlDepth, kMaxYamlBytes));
  }
  return json::serialize(*value);
}

}  // namespace leadline::kube::config
