#include "kube/transport_options.h"

#include <string_view>

#include <fmt/format.h>

namespace leadline::kube {
namespace {

void SetBlob(CURL* curl, CURLoption option, const std::string& text) {
  curl_blob blob{
      .data = const_cast<char*>(text.data()), .len = text.size(), .flags = CURL_BLOB_COPY};
  curl_easy_setopt(curl, option, &blob);
}

std::string Part(const CurlUrl& url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  curl_url_get(url.get(), part, &text, flags);
  const CurlString owned(text);
  return text == nullptr ? "" : text;
}

void SetCa(CURL* curl, const ClientConfig& config) {
  if (config.insecure_skip_tls_verify) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    return;
  }
  if (config.ca_pem.empty() && config.ca_file.empty()) return;
  if (!config.ca_pem.empty()) {
    SetBlob(curl, CURLOPT_CAINFO_BLOB, config.ca_pem);
  } else {
    curl_easy_setopt(curl, CURLOPT_CAINFO, config.ca_file.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(curl, CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

void SetIdentity(CURL* curl, const ClientConfig& config) {
  if (!config.client_certificate_pem.empty()) {
    SetBlob(curl, CURLOPT_SSLCERT_BLOB, config.client_certificate_pem);
  } else if (!config.client_certificate_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSLCERT, config.client_certificate_file.c_str());
  }
  if (!config.client_key_pem.empty()) {
    SetBlob(curl, CURLOPT_SSLKEY_BLOB, config.client_key_pem);
  } else if (!config.client_key_file.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSLKEY, config.client_key_file.c_str());
  }
  if (!config.username.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(curl, CURLOPT_USERNAME, config.username.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, config.password.c_str());
  }
}

}  // namespace

Endpoint EndpointOf(const ClientConfig& config) {
  Endpoint endpoint{.base_url = config.url, .host = {}, .connect_to = nullptr};
  while (endpoint.base_url.ends_with('/')) endpoint.base_url.pop_back();
  if (config.tls_server_name.empty()) return endpoint;
  const CurlUrl url(curl_url());
  curl_url_set(url.get(), CURLUPART_URL, endpoint.base_url.c_str(), 0);
  const std::string host = Part(url, CURLUPART_HOST);
  const bool default_port = Part(url, CURLUPART_PORT).empty();
  const std::string port = Part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  endpoint.host = default_port ? host : fmt::format("{}:{}", host, port);
  endpoint.connect_to.reset(curl_slist_append(nullptr, fmt::format("::{}:{}", host, port).c_str()));
  curl_url_set(url.get(), CURLUPART_HOST, config.tls_server_name.c_str(), 0);
  endpoint.base_url = Part(url, CURLUPART_URL);
  while (endpoint.base_url.ends_with('/')) endpoint.base_url.pop_back();
  return endpoint;
}

void SetTransportOptions(CURL* curl, const ClientConfig& config, const Endpoint& endpoint) {
  curl_easy_setopt(curl, CURLOPT_USERAGENT, config.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, config.proxy_url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // A name that is still being resolved does not delay Stop.
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 10L);
  if (endpoint.connect_to != nullptr) {
    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, endpoint.connect_to.get());
  }
  SetCa(curl, config);
  SetIdentity(curl, config);
}

void SetClientCertificate(CURL* curl, const std::string& certificate_pem,
                          const std::string& key_pem) {
  SetBlob(curl, CURLOPT_SSLCERT_BLOB, certificate_pem);
  SetBlob(curl, CURLOPT_SSLKEY_BLOB, key_pem);
}

}  // namespace leadline::kube
