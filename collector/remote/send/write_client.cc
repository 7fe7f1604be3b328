#include "collector/remote/send/write_client.h"

#include <algorithm>
#include <utility>

#include <curl/curl.h>
#include <fmt/format.h>

#include "common/status_text.h"
#include "common/token_file.h"
#include "common/utf8.h"
#include "common/version.h"

namespace leadline::collector::remote::send {
namespace {

constexpr size_t kMaxAnswerBytes = 1024;  // of what the target says

size_t AppendAnswer(char* data, size_t, size_t size, void* answer) {
  auto& text = *static_cast<std::string*>(answer);
  text.append(data, std::min(size, kMaxAnswerBytes - std::min(kMaxAnswerBytes, text.size())));
  return size;
}

int EndWhereStopped(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return *static_cast<const std::atomic<bool>*>(stop) ? 1 : 0;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

void AddHeader(const std::string& line, Headers& headers) {
  headers.reset(curl_slist_append(headers.release(), line.c_str()));
}

absl::Status StatusFor(long code, std::string_view answer) {
  if (code / 100 == 2) return absl::OkStatus();
  const std::string text = fmt::format("answered {}: {}", code, ToValidUtf8(answer));
  // 408 and 429 are about when, not about what.
  const bool may_come_again = code / 100 != 4 || code == 408 || code == 429;
  if (may_come_again) return absl::UnavailableError(text);
  const bool is_for_content = code == 400 || code == 409 || code == 413 || code == 422;
  return is_for_content ? absl::InvalidArgumentError(text) : absl::FailedPreconditionError(text);
}

}  // namespace

WriteClient::WriteClient(Target target, const std::atomic<bool>& stop)
    : target_(std::move(target)), stop_(stop), curl_([] {
        static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
        return global == CURLE_OK ? curl_easy_init() : nullptr;
      }()) {}

WriteClient::~WriteClient() { curl_easy_cleanup(curl_); }

PostResult WriteClient::Post(std::string_view packed) {
  if (curl_ == nullptr) return {absl::UnavailableError("libcurl does not start")};
  Headers headers;
  for (const char* line : {"Content-Encoding: snappy", "Content-Type: application/x-protobuf",
                           "X-Prometheus-Remote-Write-Version: 0.1.0", "Expect:"}) {
    AddHeader(line, headers);
  }
  if (!target_.token_file.empty()) {
    const absl::StatusOr<std::string> token = ReadTokenFile(target_.token_file);
    // The file may be right again later.
    if (!token.ok()) return {absl::UnavailableError(std::string(StatusMessage(token.status())))};
    AddHeader(fmt::format("Authorization: Bearer {}", *token), headers);
  }
  std::string answer;
  char error[CURL_ERROR_SIZE] = "";
  const std::string agent = fmt::format("leadline/{}", kVersion);
  curl_easy_reset(curl_);  // keeps the connection
  curl_easy_setopt(curl_, CURLOPT_URL, target_.url.c_str());
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!target_.ca_file.empty()) curl_easy_setopt(curl_, CURLOPT_CAINFO, target_.ca_file.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(packed.size()));
  curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, packed.data());
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, AppendAnswer);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, EndWhereStopped);
  curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, &stop_);
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(target_.timeout)));
  const CURLcode code = curl_easy_perform(curl_);
  if (code == CURLE_ABORTED_BY_CALLBACK) return {absl::CancelledError("stopped")};
  if (code != CURLE_OK) {
    return {absl::UnavailableError(error[0] != '\0' ? error : curl_easy_strerror(code))};
  }
  long status = 0;
  curl_off_t retry_after_seconds = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl_, CURLINFO_RETRY_AFTER, &retry_after_seconds);
  return {StatusFor(status, answer), absl::Seconds(retry_after_seconds)};
}

}  // namespace leadline::collector::remote::send
