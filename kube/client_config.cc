#include "kube/client_config.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/curl_handle.h"

namespace leadline::kube {
namespace {

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status CheckReadable(std::string_view what, const std::string& file) {
  if (file.empty() || access(file.c_str(), R_OK) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} {} cannot be read: {}", what, file, std::strerror(errno)));
}

absl::Status CheckUrl(std::string_view what, const std::string& url,
                      std::initializer_list<std::string_view> schemes,
                      std::initializer_list<CURLUPart> unwanted) {
  const CurlUrl parsed(curl_url());
  const CURLUcode code =
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (code != CURLUE_OK) {
    return absl::InvalidArgumentError(
        fmt::format("{} \"{}\": {}", what, url, curl_url_strerror(code)));
  }
  char* part = nullptr;
  curl_url_get(parsed.get(), CURLUPART_SCHEME, &part, 0);
  const CurlString scheme(part);
  if (scheme == nullptr ||
      std::find(schemes.begin(), schemes.end(), scheme.get()) == schemes.end()) {
    return absl::InvalidArgumentError(fmt::format("{} \"{}\" does not begin with {}://", what, url,
                                                  fmt::join(schemes, ":// or ")));
  }
  part = nullptr;
  curl_url_get(parsed.get(), CURLUPART_PORT, &part, 0);
  const CurlString port(part);
  if (port != nullptr && port.get() == std::string_view("0")) {
    return absl::InvalidArgumentError(
        fmt::format("{} has port 0, to which nothing can connect", what));
  }
  for (const CURLUPart one : unwanted) {
    part = nullptr;
    if (curl_url_get(parsed.get(), one, &part, 0) == CURLUE_OK) {
      const CurlString owned(part);
      // Not the URL itself, in which there may be a password.
      return absl::InvalidArgumentError(
          fmt::format("{} has a user, a query or a fragment, which it must not", what));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckServerName(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  const CurlUrl url(curl_url());
  curl_url_set(url.get(), CURLUPART_URL, "https://host", 0);
  if (curl_url_set(url.get(), CURLUPART_HOST, name.c_str(), 0) == CURLUE_OK) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format("TLS server name \"{}\" is no host name", name));
}

absl::Status CheckClientCertificate(const ClientConfig& config) {
  const bool certificate =
      !config.client_certificate_file.empty() || !config.client_certificate_pem.empty();
  const bool key = !config.client_key_file.empty() || !config.client_key_pem.empty();
  if (certificate == key) return absl::OkStatus();
  return absl::InvalidArgumentError(certificate ? "the client certificate comes without its key"
                                                : "the client key comes without its certificate");
}

}  // namespace

absl::Status Validate(const ClientConfig& config) {
  LL_RETURN_IF_ERROR(CheckUrl("API server URL", config.url, {"http", "https"},
                              {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER}));
  if (!config.proxy_url.empty()) {
    LL_RETURN_IF_ERROR(CheckUrl("proxy URL", config.proxy_url, {"http", "https", "socks5"},
                                {CURLUPART_QUERY, CURLUPART_FRAGMENT}));
  }
  if (HasControlCharacters(config.token)) {
    return absl::InvalidArgumentError("the bearer token has control characters");
  }
  LL_RETURN_IF_ERROR(CheckServerName(config.tls_server_name));
  if (config.insecure_skip_tls_verify && !(config.ca_file.empty() && config.ca_pem.empty())) {
    return absl::InvalidArgumentError(
        "a CA is given and the server's certificate is not to be checked: it is one or the other");
  }
  LL_RETURN_IF_ERROR(CheckClientCertificate(config));
  if (config.ca_pem.empty()) LL_RETURN_IF_ERROR(CheckReadable("CA file", config.ca_file));
  if (config.client_certificate_pem.empty()) {
    LL_RETURN_IF_ERROR(CheckReadable("client certificate file", config.client_certificate_file));
  }
  if (config.client_key_pem.empty()) {
    LL_RETURN_IF_ERROR(CheckReadable("client key file", config.client_key_file));
  }
  return CheckReadable("token file", config.token_file);
}

}  // namespace leadline::kube
