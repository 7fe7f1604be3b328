// The server's TLS: a context of OpenSSL for the keys of the time. Internal to common/http.
//
// Not thread-safe: of the input and output thread.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include <boost/asio/ssl/context.hpp>

#include "common/tls/server_security.h"

namespace leadline::http {

class TlsContexts {
 public:
  using Context = std::shared_ptr<boost::asio::ssl::context>;

  // INVALID_ARGUMENT when OpenSSL refuses the keys.
  static absl::StatusOr<TlsContexts> Make(std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys);

  // For a new connection, which holds it as long as it lives.
  Context Current();

 private:
  TlsContexts(std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys,
              std::shared_ptr<const tls::ServerKeys> used, Context context);

  std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys_;
  std::shared_ptr<const tls::ServerKeys> used_;  // the last that were tried
  Context context_;
};

}  // namespace leadline::http
