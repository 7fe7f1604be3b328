#include "common/http/tls_context.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::http {
namespace {

namespace ssl = boost::asio::ssl;
using ErrorCode = boost::system::error_code;

absl::StatusOr<TlsContexts::Context> MakeContext(const tls::ServerKeys& keys) {
  try {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX* const native = context->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
    SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
    // A session that is resumed is not checked against authorities that have changed meanwhile.
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    context->use_certificate_chain(boost::asio::buffer(keys.certificates));
    context->use_private_key(boost::asio::buffer(keys.key), ssl::context::pem);
    if (!keys.client_ca.empty()) {
      context->add_certificate_authority(boost::asio::buffer(keys.client_ca));
      // One that is shown must be right; whether one is needed depends on the route.
      context->set_verify_mode(ssl::verify_peer);
    }
    return context;
  } catch (const boost::system::system_error& error) {
    return absl::InvalidArgumentError(fmt::format("TLS for HTTP: {}", error.what()));
  }
}

}  // namespace

TlsContexts::TlsContexts(std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys,
                         std::shared_ptr<const tls::ServerKeys> used, Context context)
    : keys_(std::move(keys)), used_(std::move(used)), context_(std::move(context)) {}

absl::StatusOr<TlsContexts> TlsContexts::Make(
    std::shared_ptr<tls::Reloading<tls::ServerKeys>> keys) {
  std::shared_ptr<const tls::ServerKeys> used = keys->Get();
  LL_ASSIGN_OR_RETURN(Context context, MakeContext(*used));
  return TlsContexts(std::move(keys), std::move(used), std::move(context));
}

TlsContexts::Context TlsContexts::Current() {
  std::shared_ptr<const tls::ServerKeys> keys = keys_->Get();
  if (keys == used_) return context_;
  used_ = std::move(keys);
  auto context = MakeContext(*used_);
  if (context.ok()) {
    context_ = *std::move(context);
  } else {
    spdlog::error("the former certificate stays in use: {}", StatusMessage(context.status()));
  }
  return context_;
}

}  // namespace leadline::http
