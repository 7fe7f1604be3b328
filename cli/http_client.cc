#include "cli/http_client.h"

#include <memory>

#include <curl/curl.h>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "common/token_file.h"
#include "common/version.h"

namespace leadline::cli {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;

size_t AppendBody(char* data, size_t, size_t size, void* body) {
  auto& text = *static_cast<std::string*>(body);
  if (text.size() + size > kMaxReplyBytes) return 0;
  text.append(data, size);
  return size;
}

std::string Encode(CURL* handle, const std::string& text) {
  char* const escaped = curl_easy_escape(handle, text.data(), static_cast<int>(text.size()));
  std::string encoded = escaped == nullptr ? "" : escaped;
  curl_free(escaped);
  return encoded;
}

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlHeaders = std::unique_ptr<curl_slist, ListDeleter>;

void SetFile(CURL* handle, CURLoption option, const std::string& file) {
  if (!file.empty()) curl_easy_setopt(handle, option, file.c_str());
}

absl::StatusOr<HttpReply> Post(const std::string& url, const Form& form, double timeout_seconds,
                               const tls::ClientFiles& files) {
  const CurlHandle handle(curl_easy_init());
  if (handle == nullptr) return absl::InternalError("libcurl does not start");
  CurlHeaders headers;
  if (!files.token_file.empty()) {
    LL_ASSIGN_OR_RETURN(const std::string token, ReadTokenFile(files.token_file));
    headers.reset(
        curl_slist_append(nullptr, fmt::format("Authorization: Bearer {}", token).c_str()));
  }
  std::string encoded;
  for (const auto& [name, value] : form) {
    encoded += fmt::format("{}{}={}", encoded.empty() ? "" : "&", Encode(handle.get(), name),
                           Encode(handle.get(), value));
  }
  HttpReply reply;
  char error[CURL_ERROR_SIZE] = "";
  const std::string agent = fmt::format("leadline/{}", kVersion);
  curl_easy_setopt(handle.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  SetFile(handle.get(), CURLOPT_CAINFO, files.ca_file);
  SetFile(handle.get(), CURLOPT_SSLCERT, files.cert_file);
  SetFile(handle.get(), CURLOPT_SSLKEY, files.key_file);
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(encoded.size()));
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, encoded.data());
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, AppendBody);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_seconds * 1000));
  const CURLcode code = curl_easy_perform(handle.get());
  if (code != CURLE_OK) {
    const char* const why = error[0] != '\0' ? error : curl_easy_strerror(code);
    // The second: the machine has no authorities of its own, or not those of --ca.
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
      return absl::UnauthenticatedError(fmt::format(
          "the collector at {} is not trusted: {}\n--ca and $LEADLINE_CA name the authorities "
          "that are.",
          url, why));
    }
    return absl::UnavailableError(
        fmt::format("cannot reach the collector at {}: {}\nIs one running there? --collector and "
                    "$LEADLINE_COLLECTOR name another.",
                    url, why));
  }
  long status = 0;
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  reply.status = static_cast<int>(status);
  return reply;
}

}  // namespace

PostForm CurlPostForm(double timeout_seconds, const tls::ClientFiles& files) {
  return [timeout_seconds, files](const std::string& url, const Form& form) {
    return Post(url, form, timeout_seconds, files);
  };
}

}  // namespace leadline::cli
