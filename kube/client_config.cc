#include "kube/client_config.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>

#include "kube/curl_handle.h"

namespace leadline::kube {
namespace {

bool HasControlCharacters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

absl::Status CheckReadable(std::string_view what, const std::string& file) {
  if (file.empty() || access(file.c_str(), R_OK) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} {} cannot be read", what, file));
}

absl::Status CheckUrl(const std::string& url) {
  const CurlUrl parsed(curl_url());
  if (const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
      code != CURLUE_OK) {
    return absl::InvalidArgumentError(
        fmt::format("API server URL \"{}\": {}", url, curl_url_strerror(code)));
  }
  char* part = nullptr;
  curl_url_get(parsed.get(), CURLUPART_SCHEME, &part, 0);
  const CurlString scheme(part);
  if (scheme == nullptr ||
      (std::string_view(scheme.get()) != "http" && std::string_view(scheme.get()) != "https")) {
    return absl::InvalidArgumentError(
        fmt::format("API server URL \"{}\" is neither http:// nor https://", url));
  }
  for (const CURLUPart unwanted : {CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_USER}) {
    part = nullptr;
    if (curl_url_get(parsed.get(), unwanted, &part, 0) == CURLUE_OK) {
      const CurlString owned(part);
      return absl::InvalidArgumentError(
          fmt::format("API server URL \"{}\" has a user, a query or a fragment", url));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const ClientConfig& config) {
  if (absl::Status status = CheckUrl(config.url); !status.ok()) return status;
  if (HasControlCharacters(config.token)) {
    return absl::InvalidArgumentError("the bearer token has control characters");
  }
  if (absl::Status status = CheckReadable("CA file", config.ca_file); !status.ok()) return status;
  return CheckReadable("token file", config.token_file);
}

}  // namespace leadline::kube
