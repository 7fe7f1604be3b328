#include "kube/config/choice.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/config/kubeconfig.h"

namespace leadline::kube::config {
namespace {

absl::StatusOr<Chosen> ChooseUrl(const Choice& choice) {
  ClientConfig client{.url = choice.url,
                      .token_file = choice.token_file,
                      .ca_file = choice.ca_file,
                      .insecure_skip_tls_verify = choice.insecure};
  LL_RETURN_IF_ERROR(Validate(client));
  return Chosen{std::move(client), "the given URL"};
}

absl::StatusOr<Chosen> ChooseKubeconfig(const Choice& choice, const Environment& environment) {
  std::vector<std::string> files;
  absl::StatusOr<Kubeconfig> config;
  if (!choice.kubeconfig.empty()) {
    files = {choice.kubeconfig};
    config = Kubeconfig::Read(choice.kubeconfig);
  } else {
    files = KubeconfigFiles(environment);
    config = Kubeconfig::ReadAll(files);
  }
  LL_RETURN_IF_ERROR(config.status());
  LL_ASSIGN_OR_RETURN(ClientConfig client, config->Client(choice.context));
  return Chosen{
      std::move(client),
      fmt::format("kubeconfig {}, {}", fmt::join(files, ":"),
                  choice.context.empty() ? "current context" : "context " + choice.context)};
}

}  // namespace

absl::StatusOr<std::optional<Chosen>> Choose(const Choice& choice, const Environment& environment,
                                             const std::string& service_account_folder) {
  if (!choice.url.empty()) return ChooseUrl(choice);
  if (!choice.kubeconfig.empty() || !choice.context.empty() || !environment("KUBECONFIG").empty()) {
    return ChooseKubeconfig(choice, environment);
  }
  if (IsInCluster(environment)) {
    LL_ASSIGN_OR_RETURN(ClientConfig client, InCluster(environment, service_account_folder));
    return Chosen{std::move(client), "the pod's service account"};
  }
  return std::nullopt;
}

}  // namespace leadline::kube::config
