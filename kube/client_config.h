// Where the Kubernetes API server is and how to speak to it.
//
// Plain values. Files are PEM unless said otherwise and are read anew: the token file for every
// request, the others for every connection, so that what was rotated is used at once. Where a value
// is given both as a file and as text the text is used, but for the token, as client-go has it.
// Source: Kubernetes API reference, "Controlling Access to the API".
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"

#include "kube/credentials.h"

namespace leadline::kube {

struct ClientConfig {
  std::string url;  // http://127.0.0.1:8080, https://10.0.0.1:443, also with a path prefix

  // Who we are; all "" for nobody.
  std::string token;       // bearer token
  std::string token_file;  // as in /var/run/secrets/kubernetes.io/serviceaccount/token
  std::string username;    // basic authentication
  std::string password;
  std::string client_certificate_file;
  std::string client_certificate_pem;
  std::string client_key_file;
  std::string client_key_pem;
  // In the place of all these, where it has to be found out; shared by the copies.
  std::shared_ptr<CredentialSource> credentials;

  // Who the server is; without a CA the system's are trusted.
  std::string ca_file;
  std::string ca_pem;
  std::string
      tls_server_name;  // in place of the URL's host in SNI and the certificate; "" for none
  bool insecure_skip_tls_verify = false;

  std::string proxy_url;  // http, https or socks5; "" for none, whatever the environment says
  std::string user_agent = "leadline";
  int64_t connect_timeout_ms = 10'000;
};

// INVALID_ARGUMENT names the field that is wrong: a URL that is none, a scheme that is not spoken,
// control characters in a token, a file that cannot be read, a certificate without its key.
absl::Status Validate(const ClientConfig& config);

}  // namespace leadline::kube
