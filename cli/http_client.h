// HTTP to the collector.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "common/tls/client_files.h"

namespace leadline::cli {

struct HttpReply {
  int status = 0;
  std::string body;
};

using Form = std::vector<std::pair<std::string, std::string>>;

// Posts a form to a URL. An error means that there was no answer, and names the URL.
using PostForm = std::function<absl::StatusOr<HttpReply>(const std::string& url, const Form& form)>;

// By libcurl, over TLS where the URL says https, with what the files hold at the time of the
// request. Answers of more than kMaxReplyBytes are an error.
inline constexpr size_t kMaxReplyBytes = size_t{1} << 30;
PostForm CurlPostForm(double timeout_seconds, const tls::ClientFiles& files);

}  // namespace leadline::cli
