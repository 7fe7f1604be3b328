// Where the Kubernetes API server is and how to speak to it.
//
// Plain values. A token file is read anew for every request, so that rotated tokens are used at
// once; it wins over `token`. Source: Kubernetes API reference, "Controlling Access to the API".
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace leadline::kube {

struct ClientConfig {
  std::string url;         // http://127.0.0.1:8080, https://10.0.0.1:443, also with a path prefix
  std::string token;       // bearer token; "" for none
  std::string token_file;  // as in /var/run/secrets/kubernetes.io/serviceaccount/token
  std::string ca_file;     // PEM; "" for the system's
  bool insecure_skip_tls_verify = false;
  std::string user_agent = "leadline";
  int64_t connect_timeout_ms = 10'000;
};

// INVALID_ARGUMENT names the field that is wrong: a URL that is none, a scheme other than http and
// https, control characters in a token, a CA file that cannot be read.
absl::Status Validate(const ClientConfig& config);

}  // namespace leadline::kube
