#include "common/tls/server_security.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/tls/pem.h"

namespace leadline::tls {
namespace {

constexpr int64_t kMsPerSecond = 1000;

absl::StatusOr<ServerKeys> LoadKeys(const Certificate& certificate,
                                    const std::string& client_ca_file, const Clock& clock) {
  ServerKeys keys;
  LL_ASSIGN_OR_RETURN(keys.certificates, ReadPem(certificate.cert_file));
  LL_ASSIGN_OR_RETURN(const int64_t expiry_s,
                      CheckCertificates(certificate.cert_file, keys.certificates));
  LL_ASSIGN_OR_RETURN(keys.key, ReadPem(certificate.key_file));
  LL_RETURN_IF_ERROR(
      CheckKey(certificate.key_file, keys.key, certificate.cert_file, keys.certificates));
  if (!client_ca_file.empty()) {
    LL_ASSIGN_OR_RETURN(keys.client_ca, ReadPem(client_ca_file));
    LL_RETURN_IF_ERROR(CheckCertificates(client_ca_file, keys.client_ca).status());
  }
  // It is served all the same: clients say the rest, and a new one may be under way.
  if (expiry_s * kMsPerSecond < clock.NowUnixMs()) {
    spdlog::error(
        "{}: the certificate expired on {}", certificate.cert_file,
        absl::FormatTime(absl::RFC3339_sec, absl::FromUnixSeconds(expiry_s), absl::UTCTimeZone()));
  }
  return keys;
}

}  // namespace

absl::StatusOr<ServerSecurity> ServerSecurity::Open(const Certificate& certificate,
                                                    const Access& access,
                                                    const std::string& listener, const Clock& clock,
                                                    prometheus::Registry& registry,
                                                    const std::string& metrics_prefix) {
  ServerSecurity security;
  if (certificate.given()) {
    std::vector<std::string> files = {certificate.cert_file, certificate.key_file};
    if (!access.client_ca_file.empty()) files.push_back(access.client_ca_file);
    LL_ASSIGN_OR_RETURN(
        security.keys,
        Reloading<ServerKeys>::Open(
            std::move(files),
            [certificate, ca_file = access.client_ca_file, &clock] {
              return LoadKeys(certificate, ca_file, clock);
            },
            clock, ReloadMetrics(registry, metrics_prefix, listener + "_certificates")));
    security.needs_client_certificate = !access.client_ca_file.empty();
  } else if (!access.client_ca_file.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: client certificates need a certificate of the server", access.client_ca_file));
  }
  if (!access.tokens_file.empty()) {
    LL_ASSIGN_OR_RETURN(
        security.tokens,
        Reloading<TokenList>::Open(
            {access.tokens_file}, [file = access.tokens_file] { return TokenList::Read(file); },
            clock, ReloadMetrics(registry, metrics_prefix, listener + "_tokens")));
    if (security.tokens->Get()->empty()) {
      return absl::InvalidArgumentError(fmt::format("{}: has no token", access.tokens_file));
    }
  }
  return security;
}

}  // namespace leadline::tls
