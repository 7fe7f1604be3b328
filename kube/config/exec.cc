#include "kube/config/exec.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/file.h"
#include "common/status_macros.h"
#include "kube/config/fields.h"
#include "kube/config/yaml_json.h"

namespace leadline::kube::config {
namespace {

constexpr char kClusterExtension[] = "client.authentication.k8s.io/exec";
constexpr char kV1[] = "client.authentication.k8s.io/v1";

absl::Status CheckInteractiveMode(const YamlNode& exec, const std::string& api_version) {
  LL_ASSIGN_OR_RETURN(const YamlNode node, exec.Get("interactiveMode"));
  LL_ASSIGN_OR_RETURN(const std::string mode, node.String());
  if (mode == "Never" || mode == "IfAvailable") return absl::OkStatus();
  if (mode == "Always") return node.Error("is Always, and there is no terminal here");
  if (!mode.empty()) {
    return node.Error(fmt::format("is \"{}\", not Never, IfAvailable or Always", mode));
  }
  // v1beta1 may leave it out, and means IfAvailable.
  return api_version == kV1 ? node.Error("is missing") : absl::OkStatus();
}

absl::StatusOr<std::string> ClusterExtension(const YamlNode& cluster) {
  LL_ASSIGN_OR_RETURN(const YamlNode extensions, cluster.Get("extensions"));
  LL_ASSIGN_OR_RETURN(const std::vector<YamlNode> items, extensions.Items());
  for (const YamlNode& item : items) {
    LL_ASSIGN_OR_RETURN(const std::string name, item.String("name"));
    if (name != kClusterExtension) continue;
    LL_ASSIGN_OR_RETURN(const YamlNode extension, item.Get("extension"));
    return ToJson(extension);
  }
  return std::string();
}

absl::StatusOr<auth::ExecCluster> ClusterInfo(const YamlNode& exec, const YamlNode& cluster,
                                              const ClientConfig& client) {
  auth::ExecCluster info{.server = client.url,
                         .tls_server_name = client.tls_server_name,
                         .insecure_skip_tls_verify = client.insecure_skip_tls_verify,
                         .ca_pem = client.ca_pem,
                         .proxy_url = client.proxy_url};
  if (info.ca_pem.empty() && !client.ca_file.empty()) {
    LL_ASSIGN_OR_RETURN(const auto ca, ReadFile(client.ca_file, kMaxYamlBytes));
    if (!ca) return exec.Error(fmt::format("{} is gone", client.ca_file));
    info.ca_pem = *ca;
  }
  LL_ASSIGN_OR_RETURN(info.config_json, ClusterExtension(cluster));
  return info;
}

}  // namespace

absl::StatusOr<auth::ExecOptions> ReadExec(const YamlNode& exec, const YamlNode& cluster,
                                           const ClientConfig& client) {
  auth::ExecOptions options;
  LL_ASSIGN_OR_RETURN(const YamlNode version, exec.Get("apiVersion"));
  LL_ASSIGN_OR_RETURN(options.api_version, version.String());
  if (!auth::IsKnownExecVersion(options.api_version)) {
    return version.Error(fmt::format(
        "is \"{}\", not client.authentication.k8s.io/v1 or its v1beta1", options.api_version));
  }
  LL_RETURN_IF_ERROR(CheckInteractiveMode(exec, options.api_version));
  LL_ASSIGN_OR_RETURN(const YamlNode command, exec.Get("command"));
  LL_ASSIGN_OR_RETURN(options.command, command.String());
  if (options.command.empty()) return command.Error("is missing");
  // As a shell has it: a name is looked for in $PATH, a path is one.
  if (options.command.find('/') != std::string::npos) {
    options.command = RelativeTo(command.file(), options.command);
    if (options.command.find('/') == std::string::npos) options.command.insert(0, "./");
  }
  LL_ASSIGN_OR_RETURN(options.install_hint, exec.String("installHint"));

  LL_ASSIGN_OR_RETURN(const YamlNode args, exec.Get("args"));
  LL_ASSIGN_OR_RETURN(const std::vector<YamlNode> arg_items, args.Items());
  for (const YamlNode& item : arg_items) {
    LL_ASSIGN_OR_RETURN(std::string arg, item.String());
    options.args.push_back(std::move(arg));
  }
  LL_ASSIGN_OR_RETURN(const YamlNode environment, exec.Get("env"));
  LL_ASSIGN_OR_RETURN(const std::vector<YamlNode> variables, environment.Items());
  for (const YamlNode& item : variables) {
    LL_ASSIGN_OR_RETURN(const YamlNode name_node, item.Get("name"));
    LL_ASSIGN_OR_RETURN(std::string name, name_node.String());
    if (name.empty()) return name_node.Error("is missing");
    LL_ASSIGN_OR_RETURN(std::string value, item.String("value"));
    options.environment.emplace_back(std::move(name), std::move(value));
  }
  LL_ASSIGN_OR_RETURN(const bool cluster_info, exec.Bool("provideClusterInfo"));
  if (cluster_info) {
    LL_ASSIGN_OR_RETURN(options.cluster, ClusterInfo(exec, cluster, client));
  }
  return options;
}

}  // namespace leadline::kube::config
