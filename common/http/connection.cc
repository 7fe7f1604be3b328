#include "common/http/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <fmt/format.h>

#include "common/clock.h"
#include "common/http/access.h"
#include "common/http/encoding.h"
#include "common/http/outgoing.h"
#include "common/http/request_parser.h"
#include "common/mutex.h"

namespace leadline::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr int kMinor = 1;  // of HTTP/1.1

std::string_view View(boost::core::string_view text) { return {text.data(), text.size()}; }

// "http://host/path?query", as proxies send it, without what comes before the path (RFC 9112,
// section 3.2.2); anything else as it is.
std::string_view OriginForm(std::string_view target) {
  const size_t scheme_end = target.find("://");
  if (target.starts_with('/') || scheme_end == std::string_view::npos) return target;
  const size_t path = target.find('/', scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

Request HeadFromBeast(const beast::http::request_header<>& from) {
  Request request;
  request.method = View(from.method_string());
  const std::string_view target = OriginForm(View(from.target()));
  const size_t question = target.find('?');
  request.path = PercentDecode(target.substr(0, question), false);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : from) {
    request.headers.emplace_back(View(field.name_string()), View(field.value()));
  }
  return request;
}

std::chrono::nanoseconds Chrono(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

// The answer to what could not be read, or nullopt where there is nobody to answer.
std::optional<Response> AnswerTo(ErrorCode error) {
  if (error == beast::http::error::header_limit) {
    return Response{.status = 431, .body = "431 request header fields too large\n"};
  }
  if (error == beast::http::error::body_limit) {
    return Response{.status = 413, .body = "413 content too large\n"};
  }
  if (error.category() == make_error_code(beast::http::error::bad_method).category() &&
      error != beast::http::error::end_of_stream && error != beast::http::error::partial_message) {
    return Response{.status = 400, .body = "400 bad request: " + error.message() + "\n"};
  }
  return std::nullopt;
}

using TlsStream = beast::ssl_stream<beast::tcp_stream>;
constexpr uint8_t kHandshakeRecord = 0x16;  // the first byte of TLS (RFC 8446, section 5.1)

// `Stream` is beast::tcp_stream or TlsStream.
template <typename Stream>
class BeastConnection final : public Connection,
                              public std::enable_shared_from_this<BeastConnection<Stream>> {
 public:
  // `arguments` are the stream's.
  template <typename... Arguments>
  BeastConnection(ConnectionContext& context, std::function<void()> closed,
                  TlsContexts::Context tls, Arguments&&... arguments)
      : tls_(std::move(tls)),
        stream_(std::forward<Arguments>(arguments)...),
        watch_(stream_.get_executor()),
        context_(context),
        closed_(std::move(closed)) {}

  ~BeastConnection() override { closed_(); }

  void Start() {
    if constexpr (kIsTls) {
      AwaitHandshake();
    } else {
      AwaitRequest();
    }
  }

  void Finish() override {
    finishing_ = true;
    if (state_ == State::kIdle) Abort();
  }

  std::optional<std::chrono::steady_clock::time_point> waits_since() const override {
    if (state_ == State::kAnswering) return std::nullopt;
    return since_;
  }

  void Abort() override ABSL_LOCKS_EXCLUDED(open_mutex_) {
    if (cancelled_ != nullptr) *cancelled_ = true;
    MutexLock lock(open_mutex_);  // a handler may be sending
    tcp().close();
  }

 private:
  // kReading: of a request there is a part, or after the last answer what the client still sends.
  enum class State { kIdle, kReading, kAnswering };
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;
  static constexpr size_t kFirstReadBytes = 4096;
  static constexpr size_t kMaxKeptBytes = 64 * 1024;  // of the buffer, while nothing is asked

  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }
  std::shared_ptr<BeastConnection> Self() { return this->shared_from_this(); }

  void Enter(State state) {
    state_ = state;
    since_ = std::chrono::steady_clock::now();
  }

  void AwaitHandshake() {
    tcp().expires_after(Chrono(context_.options.handshake_timeout));
    tcp().async_read_some(buffer_.prepare(kFirstReadBytes),
                          [self = Self()](ErrorCode error, size_t n) {
                            if (error) return self->HandshakeFailed("silent");
                            self->buffer_.commit(n);
                            self->Handshake();
                          });
  }

  void Handshake() {
    if (*static_cast<const uint8_t*>(buffer_.data().data()) != kHandshakeRecord) {
      HandshakeFailed("clear_text");
      return AnswerInClear();
    }
    // Beast of Boost 1.81 wants a handler of one argument, Asio calls it with two.
    const auto on_done = [self = Self()](ErrorCode error, size_t used = 0) {
      // More than a handshake in the first flight is nothing that we have offered.
      if (error || used != self->buffer_.size()) return self->HandshakeFailed("handshake");
      self->buffer_.clear();
      SSL* const native = self->stream_.native_handle();
      self->has_certificate_ = SSL_get0_peer_certificate(native) != nullptr &&
                               SSL_get_verify_result(native) == X509_V_OK;
      self->AwaitRequest();
    };
    stream_.async_handshake(asio::ssl::stream_base::server, buffer_.data(), on_done);
  }

  void HandshakeFailed(std::string_view reason) { context_.metrics.HandshakeFailed(reason); }

  void AnswerInClear() {
    Enter(State::kAnswering);
    outgoing_ = {{.status = 400, .body = "400 bad request: this port speaks TLS: https\n"},
                 kMinor,
                 Outgoing::Connection::kClose,
                 /*with_body=*/true};
    asio::async_write(tcp(), outgoing_.buffers(), [self = Self()](ErrorCode error, size_t) {
      if (!error) self->EndSending();
    });
  }

  void AwaitRequest() {
    Enter(State::kIdle);
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(context_.options.max_header_bytes));
    parser_->body_limit(context_.most_body_bytes);
    if (buffer_.size() > 0) return ReadRequest();
    if (buffer_.capacity() > kMaxKeptBytes) buffer_.shrink_to_fit();
    tcp().expires_after(Chrono(context_.options.idle_timeout));
    // The first byte ends the idle time; the rest of the request has a timeout of its own.
    stream_.async_read_some(buffer_.prepare(kFirstReadBytes),
                            [self = Self()](ErrorCode error, size_t n) {
                              if (error) return;
                              self->buffer_.commit(n);
                              self->ReadRequest();
                            });
  }

  void ReadRequest() {
    Enter(State::kReading);
    tcp().expires_after(Chrono(context_.options.read_timeout));
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = Self()](ErrorCode error, size_t) { self->OnHeader(error); });
  }

  void OnHeader(ErrorCode error) {
    if (error) return OnRead(error);
    // How long a body in any other coding is cannot be known (RFC 9112, section 6.3).
    const boost::core::string_view coding = parser_->get()[beast::http::field::transfer_encoding];
    if (!coding.empty() && !beast::iequals(coding, "chunked")) {
      return OnRead(beast::http::error::bad_transfer_encoding);
    }
    request_ = HeadFromBeast(parser_->get());
    match_ = context_.router.Find(request_);
    if (Refused()) return;
    const uint64_t most =
        match_.max_body_bytes > 0 ? match_.max_body_bytes : context_.options.max_body_bytes;
    if (parser_->content_length().value_or(0) > most) {
      return OnRead(beast::http::error::body_limit);
    }
    parser_->body_limit(most);
    const bool waits = beast::iequals(parser_->get()[beast::http::field::expect], "100-continue");
    if (!waits || parser_->is_done()) return ReadBody();
    outgoing_ = Outgoing::Continue();
    asio::async_write(stream_, outgoing_.buffers(), [self = Self()](ErrorCode write_error, size_t) {
      if (!write_error) self->ReadBody();
    });
  }

  // Answers a request that may not be made, before its body is read.
  bool Refused() {
    const tls::ServerSecurity& security = context_.options.security;
    if (!security.needs_anything()) return false;
    const auto& message = parser_->get();
    const bool twice = message.count(beast::http::field::authorization) > 1;
    const boost::core::string_view authorization =
        twice ? "" : message[beast::http::field::authorization];
    std::optional<Response> refusal = Refusal(View(authorization), has_certificate_, security);
    if (!refusal.has_value()) return false;
    if (match_.open) return false;
    received_ = SteadyNow();
    finishing_ = finishing_ || !parser_->is_done() || !message.keep_alive();
    context_.cors.AddHeaders(request_, *refusal);
    Write(match_.route, *std::move(refusal), static_cast<int>(message.version() % 10),
          message.method() == beast::http::verb::head);
    return true;
  }

  void ReadBody() {
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = Self()](ErrorCode error, size_t) { self->OnRead(error); });
  }

  void OnRead(ErrorCode error) {
    received_ = SteadyNow();
    if (error) {
      auto answer = AnswerTo(error);
      if (!answer.has_value()) return;
      finishing_ = true;  // where the next request would begin is not known
      return Write("other", *std::move(answer), kMinor, false);
    }
    const auto minor = static_cast<int>(parser_->get().version() % 10);
    const bool head = parser_->get().method() == beast::http::verb::head;
    finishing_ = finishing_ || !parser_->get().keep_alive();
    Enter(State::kAnswering);
    tcp().expires_never();
    auto answer = std::make_shared<PendingAnswer>(
        PendingAnswer{Self(), asio::make_work_guard(stream_.get_executor()), std::move(request_),
                      match_.route, minor, head});
    answer->request.body = std::move(parser_->release().body());
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    answer->request.cancelled = cancelled_;
    if (match_.load == Load::kHeavy) WatchClient();
    const Load load = match_.load;
    context_.threads.Post(load, [answer = std::move(answer), match = std::move(match_)] {
      if (match.deferred == nullptr) return Give(*answer, match.handler(answer->request), true);
      // What answers has other things to do than to send.
      match.deferred(answer->request,
                     [answer](Response response) { Give(*answer, std::move(response), false); });
    });
  }

  // A request that a handler has. Keeps the input and output thread going until it is answered.
  struct PendingAnswer {
    std::shared_ptr<BeastConnection> self;
    asio::executor_work_guard<typename Stream::executor_type> work;
    Request request;
    std::string_view route;
    int minor;
    bool head;
  };

  // From the handler's thread, or whichever answers for it. What can be `sent_now` is: the client
  // need not wait for the thread of input and output then.
  static void Give(PendingAnswer& answer, Response response, bool sent_now) {
    BeastConnection& connection = *answer.self;
    connection.context_.cors.AddHeaders(answer.request, response);
    CompressBody(answer.request, response);
    const int status = response.status;
    Outgoing outgoing(std::move(response), answer.minor, connection.WhatThen(), !answer.head);
    if (sent_now) connection.SendNow(outgoing);
    // Whoever keeps the answer's place for longer keeps nothing of the connection.
    asio::post(answer.work.get_executor(), [self = std::move(answer.self), route = answer.route,
                                            status, outgoing = std::move(outgoing)]() mutable {
      self->Write(route, status, std::move(outgoing));
    });
    answer.work.reset();
  }

  // From any thread, while a request is being answered and nothing else is sent.
  void SendNow(Outgoing& outgoing) ABSL_LOCKS_EXCLUDED(open_mutex_) {
    if constexpr (!kIsTls) {
      const auto buffers = outgoing.buffers();
      std::array<iovec, 2> parts{};
      for (size_t i = 0; i < buffers.size(); ++i) {
        parts[i] = {const_cast<void*>(buffers[i].data()), buffers[i].size()};
      }
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      MutexLock lock(open_mutex_);
      if (!tcp().socket().is_open()) return;
      // An error is met again by who sends the rest.
      const ssize_t sent =
          sendmsg(tcp().socket().native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) outgoing.Sent(static_cast<size_t>(sent));
    }
  }

  Outgoing::Connection WhatThen() const {
    return finishing_ ? Outgoing::Connection::kClose : Outgoing::Connection::kKeep;
  }

  // Tells the handler when its client has gone. To read would not do: what the client has sent
  // ahead comes before its end.
  void WatchClient() {
    watch_.expires_after(Chrono(context_.options.watch_interval));
    watch_.async_wait([self = Self()](ErrorCode error) {
      if (error || self->cancelled_ == nullptr) return;  // it is answered
      pollfd client{.fd = self->tcp().socket().native_handle(), .events = POLLRDHUP, .revents = 0};
      if (poll(&client, 1, 0) == 0) return self->WatchClient();
      *self->cancelled_ = true;
    });
  }

  void Write(std::string_view route, Response response, int minor, bool head) {
    const int status = response.status;
    Write(route, status, {std::move(response), minor, WhatThen(), /*with_body=*/!head});
  }

  // What is left of it.
  void Write(std::string_view route, int status, Outgoing outgoing) {
    Enter(State::kAnswering);
    cancelled_.reset();
    watch_.cancel();
    if (outgoing.empty()) return OnAnswered(route, status, {});
    outgoing_ = std::move(outgoing);
    if constexpr (kIsTls) outgoing_.Join();
    tcp().expires_after(Chrono(context_.options.write_timeout));
    asio::async_write(stream_, outgoing_.buffers(),
                      [self = Self(), route, status](ErrorCode error, size_t) {
                        self->outgoing_ = {};
                        self->OnAnswered(route, status, error);
                      });
  }

  void OnAnswered(std::string_view route, int status, ErrorCode error) {
    context_.metrics.RequestDone(route, status, SteadyNow() - received_);
    OnWritten(error);
  }

  void OnWritten(ErrorCode error) {
    if (error) return;
    if (!finishing_) return AwaitRequest();
    if constexpr (kIsTls) {
      tcp().expires_after(Chrono(kFarewell));
      stream_.async_shutdown([self = Self()](ErrorCode) { self->EndSending(); });
    } else {
      EndSending();
    }
  }

  void EndSending() {
    Enter(State::kReading);
    ErrorCode ignored;
    tcp().socket().shutdown(Tcp::socket::shutdown_send, ignored);
    Drain();
  }

  // Reads what the client still sends until it closes: closing with unread bytes would reset the
  // connection and take the answer away from the client.
  void Drain() {
    buffer_.clear();
    tcp().expires_after(Chrono(kFarewell));
    tcp().async_read_some(buffer_.prepare(kFirstReadBytes),
                          [self = Self()](ErrorCode error, size_t n) {
                            self->drained_bytes_ += n;
                            if (error || self->drained_bytes_ > kMaxDrainBytes) return;
                            self->Drain();
                          });
  }

  static constexpr size_t kMaxDrainBytes = 16 * 1024 * 1024;
  static constexpr absl::Duration kFarewell = absl::Seconds(1);

  const TlsContexts::Context tls_;  // nullptr: none
  Stream stream_;
  asio::steady_timer watch_;
  ConnectionContext& context_;
  std::function<void()> closed_;
  beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  Outgoing outgoing_;
  Request request_;                               // the head of what is read
  Router::Match match_;                           // of request_
  std::shared_ptr<std::atomic<bool>> cancelled_;  // of the request that a handler has
  absl::Time received_;
  size_t drained_bytes_ = 0;
  State state_ = State::kIdle;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();  // of state_
  std::atomic<bool> finishing_ = false;  // close after the answer
  Mutex open_mutex_;                     // the socket is not closed while it is held
  bool has_certificate_ = false;         // the client has shown one, and it is right
};

}  // namespace

std::shared_ptr<Connection> Serve(Tcp::socket socket, ConnectionContext& context,
                                  TlsContexts::Context tls, std::function<void()> closed) {
  if (tls == nullptr) {
    auto connection = std::make_shared<BeastConnection<beast::tcp_stream>>(
        context, std::move(closed), nullptr, std::move(socket));
    connection->Start();
    return connection;
  }
  asio::ssl::context& native = *tls;
  auto connection = std::make_shared<BeastConnection<TlsStream>>(
      context, std::move(closed), std::move(tls), std::move(socket), native);
  connection->Start();
  return connection;
}

void Refuse(Tcp::socket socket) {
  auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
  auto response =
      std::make_shared<Outgoing>(Response{.status = 503, .body = "503 too many connections\n"},
                                 kMinor, Outgoing::Connection::kClose, /*with_body=*/true);
  stream->expires_after(std::chrono::seconds(1));
  asio::async_write(*stream, response->buffers(), [stream, response](ErrorCode error, size_t) {
    stream->socket().shutdown(Tcp::socket::shutdown_send, error);
  });
}

}  // namespace leadline::http
