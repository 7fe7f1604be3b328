// The ExecCredential objects that go to a credential plugin and come from it.
//
// Source: Kubernetes API reference, client.authentication.k8s.io/v1 and v1beta1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "kube/credentials.h"

namespace leadline::kube::auth {

// "client.authentication.k8s.io/v1" and its v1beta1.
bool IsKnownExecVersion(std::string_view api_version);

// What a plugin may know about the cluster it is for, from the kubeconfig.
struct ExecCluster {
  std::string server;
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string ca_pem;
  std::string proxy_url;
  std::string config_json;  // "" for none: the extension client.authentication.k8s.io/exec
};

// For KUBERNETES_EXEC_INFO; without a cluster where `cluster` is nullptr.
std::string ExecInfo(const std::string& api_version, const ExecCluster* cluster);

struct PluginCredential {
  Credential credential;
  int64_t expires_unix_ms = 0;  // 0: never
};

// INVALID_ARGUMENT, without a word of what is secret, when it is not as documented.
absl::StatusOr<PluginCredential> DecodeExecCredential(std::string_view text,
                                                      std::string_view api_version);

}  // namespace leadline::kube::auth
