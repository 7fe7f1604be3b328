#include "kube/config/user.h"

#include <memory>
#include <string>
#include <utility>

#include "common/clock.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "kube/auth/exec_source.h"
#include "kube/config/exec.h"
#include "kube/config/fields.h"

namespace leadline::kube::config {
namespace {

absl::Status ReadCertificate(const YamlNode& user, ClientConfig& client) {
  LL_ASSIGN_OR_RETURN(client.client_certificate_pem, ReadPem(user, "client-certificate-data"));
  if (client.client_certificate_pem.empty()) {
    LL_ASSIGN_OR_RETURN(client.client_certificate_file, ReadPath(user, "client-certificate"));
  }
  LL_ASSIGN_OR_RETURN(client.client_key_pem, ReadPem(user, "client-key-data"));
  if (client.client_key_pem.empty()) {
    LL_ASSIGN_OR_RETURN(client.client_key_file, ReadPath(user, "client-key"));
  }
  return absl::OkStatus();
}

// What kubectl knows and we do not do.
absl::Status RefuseUnknown(const YamlNode& user) {
  LL_ASSIGN_OR_RETURN(const YamlNode provider, user.Get("auth-provider"));
  if (provider.present()) {
    return provider.Error("is not supported, nor by kubectl since 1.26: use exec");
  }
  for (const char* key : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    LL_ASSIGN_OR_RETURN(const YamlNode impersonation, user.Get(key));
    if (impersonation.present()) return impersonation.Error("impersonation is not supported");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadUser(const YamlNode& user, const YamlNode& cluster, ClientConfig& client) {
  LL_RETURN_IF_ERROR(RefuseUnknown(user));
  LL_RETURN_IF_ERROR(ReadCertificate(user, client));
  LL_ASSIGN_OR_RETURN(client.token, user.String("token"));
  LL_ASSIGN_OR_RETURN(client.token_file, ReadPath(user, "tokenFile"));
  LL_ASSIGN_OR_RETURN(client.username, user.String("username"));
  LL_ASSIGN_OR_RETURN(client.password, user.String("password"));
  const bool has_token = !client.token.empty() || !client.token_file.empty();
  if (has_token && !client.username.empty()) {
    return user.Error("has both a token and a username: only one of them is allowed");
  }
  LL_ASSIGN_OR_RETURN(const YamlNode exec, user.Get("exec"));
  // As in client-go, a plugin is asked only where nothing else says who we are.
  const bool known = has_token || !client.username.empty() ||
                     !client.client_certificate_file.empty() ||
                     !client.client_certificate_pem.empty();
  if (exec.present() && !known) {
    LL_ASSIGN_OR_RETURN(auth::ExecOptions options, ReadExec(exec, cluster, client));
    client.credentials = std::make_shared<auth::ExecSource>(std::move(options), SystemClock());
  }
  if (const absl::Status valid = Validate(client); !valid.ok()) {
    return user.Error(StatusMessage(valid));
  }
  return absl::OkStatus();
}

}  // namespace leadline::kube::config
