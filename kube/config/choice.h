// Which of the ways to an API server is taken.
//
// In this order, the first that is there: a URL; a kubeconfig or a context; $KUBECONFIG; the pod's
// service account. ~/.kube/config is used for a context only: a program that runs by itself must
// not follow whatever cluster somebody looked at last.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "kube/client_config.h"
#include "kube/config/environment.h"
#include "kube/config/in_cluster.h"

namespace leadline::kube::config {

// What was asked for; all "" for nothing.
struct Choice {
  std::string url;
  std::string token_file;  // these three go with the URL
  std::string ca_file;
  bool insecure = false;
  std::string kubeconfig;
  std::string context;
};

struct Chosen {
  ClientConfig client;
  std::string source;  // for the log: "kubeconfig /etc/kubeconfig, context edge"
};

// nullopt where nothing is asked for and nothing is there; NOT_FOUND where nothing is asked for and
// this is a pod without a token. INVALID_ARGUMENT says what cannot work and where it stands.
absl::StatusOr<std::optional<Chosen>> Choose(
    const Choice& choice, const Environment& environment,
    const std::string& service_account_folder = kServiceAccountFolder);

}  // namespace leadline::kube::config
