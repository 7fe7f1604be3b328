#include "kube/config/cluster.h"

#include <string>

#include "common/status_macros.h"
#include "common/status_text.h"
#include "kube/config/fields.h"

namespace leadline::kube::config {

absl::Status ReadCluster(const YamlNode& cluster, ClientConfig& client) {
  LL_ASSIGN_OR_RETURN(const YamlNode server, cluster.Get("server"));
  LL_ASSIGN_OR_RETURN(client.url, server.String());
  if (client.url.empty()) return server.Error("is missing");
  LL_ASSIGN_OR_RETURN(const YamlNode insecure, cluster.Get("insecure-skip-tls-verify"));
  LL_ASSIGN_OR_RETURN(client.insecure_skip_tls_verify, insecure.Bool());
  LL_ASSIGN_OR_RETURN(client.ca_pem, ReadPem(cluster, "certificate-authority-data"));
  if (client.ca_pem.empty()) {
    LL_ASSIGN_OR_RETURN(client.ca_file, ReadPath(cluster, "certificate-authority"));
  }
  if (client.insecure_skip_tls_verify && !(client.ca_pem.empty() && client.ca_file.empty())) {
    return insecure.Error("must not be true where a certificate authority is given");
  }
  LL_ASSIGN_OR_RETURN(client.tls_server_name, cluster.String("tls-server-name"));
  LL_ASSIGN_OR_RETURN(client.proxy_url, cluster.String("proxy-url"));
  // The user is not known yet: what is wrong here is the cluster's.
  if (const absl::Status valid = Validate(client); !valid.ok()) {
    return cluster.Error(StatusMessage(valid));
  }
  return absl::OkStatus();
}

}  // namespace leadline::kube::config
