#include "agent/export/channel_security.h"

#include <grpcpp/security/credentials.h>

#include "common/status_macros.h"
#include "common/tls/pem.h"
#include "common/token_file.h"

namespace leadline::agent {
namespace {

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ReadCredentials(
    const tls::ClientFiles& files) {
  grpc::SslCredentialsOptions options;
  if (!files.ca_file.empty()) {
    LL_ASSIGN_OR_RETURN(options.pem_root_certs, tls::ReadPem(files.ca_file));
    LL_RETURN_IF_ERROR(tls::CheckCertificates(files.ca_file, options.pem_root_certs).status());
  }
  if (!files.cert_file.empty()) {
    LL_ASSIGN_OR_RETURN(options.pem_cert_chain, tls::ReadPem(files.cert_file));
    LL_RETURN_IF_ERROR(tls::CheckCertificates(files.cert_file, options.pem_cert_chain).status());
    LL_ASSIGN_OR_RETURN(options.pem_private_key, tls::ReadPem(files.key_file));
    LL_RETURN_IF_ERROR(tls::CheckKey(files.key_file, options.pem_private_key, files.cert_file,
                                     options.pem_cert_chain));
  }
  return grpc::SslCredentials(options);
}

}  // namespace

absl::StatusOr<ChannelSecrets> ReadSecrets(const tls::ClientFiles& files) {
  ChannelSecrets secrets{.credentials = grpc::InsecureChannelCredentials()};
  if (files.encrypted) {
    LL_ASSIGN_OR_RETURN(secrets.credentials, ReadCredentials(files));
  }
  if (!files.token_file.empty()) {
    LL_ASSIGN_OR_RETURN(secrets.token, ReadTokenFile(files.token_file));
  }
  return secrets;
}

}  // namespace leadline::agent
