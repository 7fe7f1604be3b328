#include "kube/config/kubeconfig.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/file.h"
#include "common/status_macros.h"
#include "kube/config/cluster.h"
#include "kube/config/user.h"

namespace leadline::kube::config {
namespace {

// Adds the named entries of a list; those that are known already stay as they are.
absl::Status AddEntries(const YamlNode& root, const std::string& list, const std::string& field,
                        StringMap<YamlNode>& entries) {
  LL_ASSIGN_OR_RETURN(const YamlNode node, root.Get(list));
  LL_ASSIGN_OR_RETURN(const std::vector<YamlNode> items, node.Items());
  StringSet seen;
  for (const YamlNode& item : items) {
    LL_ASSIGN_OR_RETURN(const YamlNode name_node, item.Get("name"));
    LL_ASSIGN_OR_RETURN(std::string name, name_node.String());
    if (name.empty()) return name_node.Error("is missing");
    if (!seen.insert(name).second) {
      return name_node.Error(fmt::format("\"{}\" is there twice", name));
    }
    LL_ASSIGN_OR_RETURN(YamlNode value, item.Get(field));
    entries.try_emplace(std::move(name), std::move(value));
  }
  return absl::OkStatus();
}

absl::Status CheckKind(const YamlNode& root, const std::string& key, const std::string& want) {
  LL_ASSIGN_OR_RETURN(const YamlNode node, root.Get(key));
  LL_ASSIGN_OR_RETURN(const std::string value, node.String());
  if (value.empty() || value == want) return absl::OkStatus();
  return node.Error(fmt::format("is \"{}\", not \"{}\"", value, want));
}

std::string Names(const StringMap<YamlNode>& entries) {
  std::vector<std::string> names;
  for (const auto& [name, node] : entries) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<std::string> KubeconfigFiles(const Environment& environment) {
  const std::string list = environment("KUBECONFIG");
  std::vector<std::string> files;
  if (list.empty()) {
    const std::string home = environment("HOME");
    if (!home.empty()) files.push_back(home + "/.kube/config");
    return files;
  }
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(':', begin), list.size());
    std::string file = list.substr(begin, end - begin);
    if (!file.empty() && std::find(files.begin(), files.end(), file) == files.end()) {
      files.push_back(std::move(file));
    }
    begin = end + 1;
  }
  return files;
}

absl::StatusOr<Kubeconfig> Kubeconfig::Read(const std::string& file) {
  LL_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFile(file, kMaxYamlBytes));
  if (!text) return absl::InvalidArgumentError(fmt::format("{}: there is no such file", file));
  Kubeconfig config;
  LL_RETURN_IF_ERROR(config.Add(file, *text));
  return config;
}

absl::StatusOr<Kubeconfig> Kubeconfig::ReadAll(const std::vector<std::string>& files) {
  Kubeconfig config;
  for (const std::string& file : files) {
    LL_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFile(file, kMaxYamlBytes));
    if (text) LL_RETURN_IF_ERROR(config.Add(file, *text));
  }
  if (config.files_.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "no kubeconfig file: {}", files.empty()
                                      ? "neither KUBECONFIG nor HOME is set"
                                      : fmt::format("there is no {}", fmt::join(files, ", no "))));
  }
  return config;
}

absl::Status Kubeconfig::Add(const std::string& file, const std::string& text) {
  LL_ASSIGN_OR_RETURN(const YamlNode root, YamlNode::Parse(file, text));
  LL_RETURN_IF_ERROR(CheckKind(root, "apiVersion", "v1"));
  LL_RETURN_IF_ERROR(CheckKind(root, "kind", "Config"));
  LL_RETURN_IF_ERROR(AddEntries(root, "clusters", "cluster", clusters_));
  LL_RETURN_IF_ERROR(AddEntries(root, "users", "user", users_));
  LL_RETURN_IF_ERROR(AddEntries(root, "contexts", "context", contexts_));
  if (current_context_.empty()) {
    LL_ASSIGN_OR_RETURN(current_context_, root.String("current-context"));
  }
  files_.push_back(file);
  return absl::OkStatus();
}

absl::StatusOr<ClientConfig> Kubeconfig::Client(const std::string& context) const {
  const std::string where = fmt::format("{}", fmt::join(files_, ", "));
  const std::string& name = context.empty() ? current_context_ : context;
  if (name.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: no current-context: name one of the contexts with --context (there: {})",
                    where, Names(contexts_)));
  }
  const auto chosen = contexts_.find(name);
  if (chosen == contexts_.end()) {
    return absl::InvalidArgumentError(fmt::format("{}: context \"{}\" does not exist (there: {})",
                                                  where, name, Names(contexts_)));
  }
  ClientConfig client;
  LL_ASSIGN_OR_RETURN(const YamlNode cluster_node, chosen->second.Get("cluster"));
  LL_ASSIGN_OR_RETURN(const std::string cluster_name, cluster_node.String());
  const auto cluster = clusters_.find(cluster_name);
  if (cluster == clusters_.end()) {
    return cluster_node.Error(
        fmt::format("cluster \"{}\" does not exist (there: {})", cluster_name, Names(clusters_)));
  }
  LL_RETURN_IF_ERROR(ReadCluster(cluster->second, client));

  LL_ASSIGN_OR_RETURN(const YamlNode user_node, chosen->second.Get("user"));
  LL_ASSIGN_OR_RETURN(const std::string user_name, user_node.String());
  if (user_name.empty()) return client;  // nobody
  const auto user = users_.find(user_name);
  if (user == users_.end()) {
    return user_node.Error(
        fmt::format("user \"{}\" does not exist (there: {})", user_name, Names(users_)));
  }
  LL_RETURN_IF_ERROR(ReadUser(user->second, cluster->second, client));
  return client;
}

}  // namespace leadline::kube::config
