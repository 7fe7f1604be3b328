#include "kube/http_session.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/token_file.h"
#include "kube/curl_handle.h"
#include "kube/json.h"
#include "kube/stop_event.h"
#include "kube/transport_options.h"

namespace leadline::kube {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kMaxRetryAfterSeconds = 300;
constexpr int kUnauthorized = 401;

// What curl's callbacks see of a transfer.
struct Transfer {
  CURL* easy;
  HttpSession::Sink sink;
  SteadyClock::time_point last_byte;
  absl::Status sink_status;
  char error[CURL_ERROR_SIZE] = {};  // what curl says beyond the code of its result

  int HttpStatus() const {
    long status = 0;  // NOLINT(google-runtime-int): libcurl's type
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.last_byte = SteadyClock::now();
  transfer.sink_status = transfer.sink(transfer.HttpStatus(), {data, size * count});
  return transfer.sink_status.ok() ? size * count : 0;
}

size_t OnHeader(char*, size_t size, size_t count, void* user) {
  static_cast<Transfer*>(user)->last_byte = SteadyClock::now();
  return size * count;
}

}  // namespace

struct HttpSession::State {
  ClientConfig config;
  Endpoint endpoint;
  CurlMulti multi{curl_multi_init()};
  CurlEasy easy{curl_easy_init()};
  StopEvent stop;

  absl::StatusOr<Credential> FindCredential() const;
  CurlHeaders Headers(const HttpRequest& request, const std::string& token) const;
  void SetOptions(const std::string& url, curl_slist* headers, Transfer& transfer) const;
  absl::Status Drive(const HttpRequest& request, Transfer& transfer);
  // The result of the transfer, nullopt while it runs.
  std::optional<CURLcode> Finished() const;
};

absl::StatusOr<Credential> HttpSession::State::FindCredential() const {
  if (config.credentials != nullptr) return config.credentials->Get(stop.fd());
  Credential credential{.token = config.token};
  if (!config.token_file.empty()) {
    LL_ASSIGN_OR_RETURN(credential.token, ReadTokenFile(config.token_file));
  }
  return credential;
}

CurlHeaders HttpSession::State::Headers(const HttpRequest& request,
                                        const std::string& token) const {
  CurlHeaders headers(
      curl_slist_append(nullptr, fmt::format("Accept: {}", request.accept).c_str()));
  if (!token.empty()) {
    curl_slist_append(headers.get(), fmt::format("Authorization: Bearer {}", token).c_str());
  }
  if (!endpoint.host.empty()) {
    curl_slist_append(headers.get(), fmt::format("Host: {}", endpoint.host).c_str());
  }
  return headers;
}

void HttpSession::State::SetOptions(const std::string& url, curl_slist* headers,
                                    Transfer& transfer) const {
  CURL* curl = easy.get();
  curl_easy_reset(curl);
  SetTransportOptions(curl, config, endpoint);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer.error);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
}

std::optional<CURLcode> HttpSession::State::Finished() const {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return std::nullopt;
}

absl::Status HttpSession::State::Drive(const HttpRequest& request, Transfer& transfer) {
  const auto failed = [&](std::string_view why) {
    return fmt::format("GET {}{}: {}", config.url, request.target, why);
  };
  while (true) {
    if (stop.IsSet()) return absl::CancelledError(failed("stopped"));
    int running = 0;
    if (const CURLMcode code = curl_multi_perform(multi.get(), &running); code != CURLM_OK) {
      return absl::InternalError(failed(curl_multi_strerror(code)));
    }
    if (const std::optional<CURLcode> result = Finished()) {
      if (!transfer.sink_status.ok()) return transfer.sink_status;
      if (*result != CURLE_OK) {
        return absl::UnavailableError(
            failed(*transfer.error != '\0' ? transfer.error : curl_easy_strerror(*result)));
      }
      return absl::OkStatus();
    }
    const int64_t silence_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   SteadyClock::now() - transfer.last_byte)
                                   .count();
    if (silence_ms >= request.max_silence_ms) {
      return absl::DeadlineExceededError(failed(fmt::format("silent for {} ms", silence_ms)));
    }
    curl_waitfd stopped{.fd = stop.fd(), .events = CURL_WAIT_POLLIN, .revents = 0};
    curl_multi_poll(multi.get(), &stopped, 1, static_cast<int>(request.max_silence_ms - silence_ms),
                    nullptr);
  }
}

HttpSession::HttpSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpSession::~HttpSession() = default;

absl::StatusOr<std::unique_ptr<HttpSession>> HttpSession::Open(ClientConfig config) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (global != CURLE_OK) return absl::InternalError("libcurl does not start");
  LL_RETURN_IF_ERROR(Validate(config));
  auto state = std::make_unique<State>();
  state->endpoint = EndpointOf(config);
  state->config = std::move(config);
  if (state->multi == nullptr || state->easy == nullptr || state->stop.fd() < 0) {
    return absl::ResourceExhaustedError("no memory or no descriptor for a session");
  }
  return std::unique_ptr<HttpSession>(new HttpSession(std::move(state)));
}

absl::StatusOr<HttpResponse> HttpSession::Get(const HttpRequest& request, Sink sink) {
  LL_ASSIGN_OR_RETURN(const Credential credential, state_->FindCredential());
  const CurlHeaders headers = state_->Headers(request, credential.token);
  Transfer transfer{.easy = state_->easy.get(), .sink = sink, .last_byte = SteadyClock::now()};
  state_->SetOptions(state_->endpoint.base_url + request.target, headers.get(), transfer);
  if (!credential.certificate_pem.empty()) {
    SetClientCertificate(state_->easy.get(), credential.certificate_pem, credential.key_pem);
  }
  curl_multi_add_handle(state_->multi.get(), state_->easy.get());
  const absl::Status status = state_->Drive(request, transfer);
  HttpResponse response{.status = transfer.HttpStatus()};
  curl_off_t retry_after_seconds = 0;
  curl_easy_getinfo(state_->easy.get(), CURLINFO_RETRY_AFTER, &retry_after_seconds);
  response.retry_after_ms = std::min<int64_t>(retry_after_seconds, kMaxRetryAfterSeconds) * 1000;
  curl_multi_remove_handle(state_->multi.get(), state_->easy.get());
  if (response.status == kUnauthorized && state_->config.credentials != nullptr) {
    state_->config.credentials->Refused(credential.serial);
  }
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<std::string> HttpSession::GetBody(const HttpRequest& request, size_t max_body_bytes,
                                                 HttpResponse* response) {
  std::string body;
  const auto append = [&](int http_status, std::string_view chunk) {
    const size_t limit = http_status == 200 ? max_body_bytes : kMaxErrorBodyBytes;
    if (body.size() + chunk.size() > limit) {
      return absl::ResourceExhaustedError(
          fmt::format("GET {}: the answer is longer than {} bytes", request.target, limit));
    }
    body += chunk;
    return absl::OkStatus();
  };
  LL_ASSIGN_OR_RETURN(const HttpResponse head, Get(request, append));
  if (response != nullptr) *response = head;
  if (head.status != 200) return StatusFromHttp(request.target, head.status, body);
  return body;
}

void HttpSession::Stop() { state_->stop.Set(); }

absl::Status StatusFromHttp(std::string_view target, int http_status, std::string_view body) {
  const std::string text = fmt::format("GET {}: HTTP {} {}", target, http_status, StatusText(body));
  switch (http_status) {
    case 401:
      return absl::UnauthenticatedError(text);
    case 403:
      return absl::PermissionDeniedError(text);
    case 404:
      return absl::NotFoundError(text);
    case 410:
      return absl::OutOfRangeError(text);
    case 429:
      return absl::ResourceExhaustedError(text);
    case 504:
      return absl::DeadlineExceededError(text);
    default:
      break;
  }
  if (http_status >= 500) return absl::UnavailableError(text);
  if (http_status >= 400) return absl::InvalidArgumentError(text);
  return absl::InternalError(text);
}

}  // namespace leadline::kube
