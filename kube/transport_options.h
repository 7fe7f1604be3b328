// What a client's configuration means to libcurl: addresses, TLS, proxy.
#pragma once

#include <string>

#include "kube/client_config.h"
#include "kube/curl_handle.h"

namespace leadline::kube {

// The URL that is asked for and, where a tls_server_name takes the host's place in it, who is
// really connected to and named in the Host header.
struct Endpoint {
  std::string base_url;  // without a slash at its end
  std::string host;      // for a Host header of our own; "" for curl's
  CurlHeaders connect_to;
};
Endpoint EndpointOf(const ClientConfig& config);

// Everything of a request that is the same for all of them. `config` and `endpoint` outlive the
// transfer.
void SetTransportOptions(CURL* curl, const ClientConfig& config, const Endpoint& endpoint);

// The certificate that we show, in the place of the configuration's; copied.
void SetClientCertificate(CURL* curl, const std::string& certificate_pem,
                          const std::string& key_pem);

}  // namespace leadline::kube
