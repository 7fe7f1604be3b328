#include "kube/config/in_cluster.h"

#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::kube::config {

bool IsInCluster(const Environment& environment) {
  return !environment("KUBERNETES_SERVICE_HOST").empty() &&
         !environment("KUBERNETES_SERVICE_PORT").empty();
}

absl::StatusOr<ClientConfig> InCluster(const Environment& environment, const std::string& folder) {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  const bool ipv6 = host.find(':') != std::string::npos;
  ClientConfig client{.url = fmt::format(fmt::runtime(ipv6 ? "https://[{}]:{}" : "https://{}:{}"),
                                         host, environment("KUBERNETES_SERVICE_PORT")),
                      .token_file = folder + "/token",
                      .ca_file = folder + "/ca.crt"};
  if (access(client.token_file.c_str(), F_OK) != 0 && errno == ENOENT) {
    return absl::NotFoundError(
        fmt::format("this pod has no service account token: there is no {}", client.token_file));
  }
  LL_RETURN_IF_ERROR(Validate(client));
  return client;
}

}  // namespace leadline::kube::config
