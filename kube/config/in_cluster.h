// What the kubelet gives every pod: how to reach the API server as the pod's service account.
//
// Source: Kubernetes documentation, "Accessing the Kubernetes API from a Pod".
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "kube/client_config.h"
#include "kube/config/environment.h"

namespace leadline::kube::config {

inline constexpr char kServiceAccountFolder[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// Whether KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set.
bool IsInCluster(const Environment& environment);

// NOT_FOUND where the pod was given no token; INVALID_ARGUMENT when a file of the service account
// cannot be read.
absl::StatusOr<ClientConfig> InCluster(const Environment& environment, const std::string& folder);

}  // namespace leadline::kube::config
