#include "collector/ingest/server_credentials.h"

#include <utility>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <spdlog/spdlog.h>

#include "common/mutex.h"

namespace leadline::collector::ingest {
namespace {

class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys)
      : keys_(std::move(keys)) {
    const auto request = keys_->Get()->client_ca.empty()
                             ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                             : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this));
  }
  ~Credentials() override { grpc_server_credentials_release(credentials_); }

  // Tokens are looked at by the service, which does without TLS as well.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // At every handshake, and once before the first.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Credentials*>(self)->Fetch(config);
  }

  grpc_ssl_certificate_config_reload_status Fetch(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const tls::ServerKeys> keys = keys_->Get();
    MutexLock lock(mutex_);
    if (keys == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{.private_key = keys->key.c_str(),
                                          .cert_chain = keys->certificates.c_str()};
    // gRPC wants authorities here also where it asks for no certificate and so never uses them.
    const std::string& roots = keys->client_ca.empty() ? keys->certificates : keys->client_ca;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    given_ = std::move(keys);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys_;
  Mutex mutex_;
  std::shared_ptr<const tls::ServerKeys> given_ ABSL_GUARDED_BY(mutex_);
  grpc_server_credentials* credentials_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> ReloadingServerCredentials(
    std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys) {
  return std::make_shared<Credentials>(std::move(keys));
}

}  // namespace leadline::collector::ingest
