#include "kube/config/fields.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/escaping.h"
#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::kube::config {

std::string RelativeTo(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

absl::StatusOr<std::string> ReadPath(const YamlNode& parent, const std::string& key) {
  LL_ASSIGN_OR_RETURN(const YamlNode node, parent.Get(key));
  LL_ASSIGN_OR_RETURN(const std::string text, node.String());
  std::string path = RelativeTo(node.file(), text);
  if (!path.empty() && access(path.c_str(), R_OK) != 0) {
    return node.Error(fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
  }
  return path;
}

absl::StatusOr<std::string> ReadPem(const YamlNode& parent, const std::string& key) {
  LL_ASSIGN_OR_RETURN(const YamlNode node, parent.Get(key));
  LL_ASSIGN_OR_RETURN(const std::string text, node.String());
  std::string pem;
  if (!absl::Base64Unescape(text, &pem)) return node.Error("is not base64");
  if (!text.empty() && pem.find("-----BEGIN ") == std::string::npos) {
    return node.Error("is not PEM once its base64 is decoded");
  }
  return pem;
}

}  // namespace leadline::kube::config
