#include "common/http/outgoing.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <boost/beast/http/status.hpp>
#include <fmt/format.h>

namespace leadline::http {
namespace {

namespace beast = boost::beast;

constexpr int kNoContent = 204;

// Now, as RFC 9110, section 5.6.7 has it.
const std::string& HttpDate() {
  thread_local int64_t made_s = -1;
  thread_local std::string date;
  const absl::Time now = absl::Now();
  if (const int64_t now_s = absl::ToUnixSeconds(now); now_s != made_s) {
    date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone());
    made_s = now_s;
  }
  return date;
}

std::string_view ReasonOf(int status) {
  const auto reason =
      beast::http::obsolete_reason(beast::http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

}  // namespace

Outgoing::Outgoing(Response response, int minor, Connection connection, bool with_body)
    : keeps_(std::move(response.keeps)) {
  const auto out = std::back_inserter(head_);
  fmt::format_to(out, "HTTP/1.{} {} {}\r\nDate: {}\r\nX-Content-Type-Options: nosniff\r\n", minor,
                 response.status, ReasonOf(response.status), HttpDate());
  for (const auto& [name, value] : response.headers) {
    fmt::format_to(out, "{}: {}\r\n", name, value);
  }
  // What else is said is what the version means without it.
  if (connection == Connection::kClose && minor > 0) head_ += "Connection: close\r\n";
  if (connection == Connection::kKeep && minor == 0) head_ += "Connection: keep-alive\r\n";
  // It has neither a body nor its length (RFC 9110, section 8.6).
  if (response.status != kNoContent) {
    fmt::format_to(out, "Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type,
                   response.body.size());
    if (with_body) body_ = std::move(response.body);
  }
  head_ += "\r\n";
}

Outgoing Outgoing::Continue() {
  Outgoing outgoing;
  outgoing.head_ = "HTTP/1.1 100 Continue\r\n\r\n";
  return outgoing;
}

void Outgoing::Join() {
  head_ += body_;
  body_.clear();
}

std::array<boost::asio::const_buffer, 2> Outgoing::buffers() const {
  const size_t of_head = std::min(sent_, head_.size());
  return {boost::asio::buffer(head_) + of_head, boost::asio::buffer(body_) + (sent_ - of_head)};
}

}  // namespace leadline::http
