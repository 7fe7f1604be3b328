// An answer as it is sent, and how much of it is left to send.
//
// A plain value, not synchronized. Source: RFC 9110 and 9112.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>

#include "common/http/message.h"

namespace leadline::http {

class Outgoing {
 public:
  enum class Connection { kKeep, kClose };

  Outgoing() = default;
  // `minor`: of the request's version, HTTP/1.x. Without the body where only the head is asked for,
  // whose Content-Length stays.
  Outgoing(Response response, int minor, Connection connection, bool with_body);
  // "100 Continue", which comes before the answer.
  static Outgoing Continue();

  // What is left; valid as long as this one is where it is.
  std::array<boost::asio::const_buffer, 2> buffers() const;
  bool empty() const { return sent_ == head_.size() + body_.size(); }
  // Makes one buffer of what nothing was sent of, so that a record of TLS has as much as it can.
  void Join();
  // So much more was sent.
  void Sent(size_t bytes) { sent_ += bytes; }

 private:
  std::string head_;
  std::string body_;
  std::shared_ptr<const void> keeps_;  // Response::keeps
  size_t sent_ = 0;
};

}  // namespace leadline::http
