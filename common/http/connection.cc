#include "common/http/connection.h"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "common/http/encoding.h"

namespace leadline::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using RequestParser = beast::http::request_parser<beast::http::string_body>;
using BeastResponse = beast::http::response<beast::http::string_body>;

constexpr unsigned kHttp11 = 11;

std::string_view View(boost::core::string_view text) { return {text.data(), text.size()}; }

// "http://host/path?query", as proxies send it, without what comes before the path (RFC 9112,
// section 3.2.2); anything else as it is.
std::string_view OriginForm(std::string_view target) {
  const size_t scheme_end = target.find("://");
  if (target.starts_with('/') || scheme_end == std::string_view::npos) return target;
  const size_t path = target.find('/', scheme_end + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

Request FromBeast(beast::http::request<beast::http::string_body> from) {
  Request request;
  request.method = View(from.method_string());
  const std::string_view target = OriginForm(View(from.target()));
  const size_t question = target.find('?');
  request.path = PercentDecode(target.substr(0, question), false);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (const auto& field : from) {
    request.headers.emplace_back(View(field.name_string()), View(field.value()));
  }
  request.body = std::move(from.body());
  return request;
}

// RFC 9110, section 5.6.7.
std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

BeastResponse ToBeast(Response from, unsigned version, bool keep_alive) {
  BeastResponse response(beast::http::int_to_status(static_cast<unsigned>(from.status)), version);
  response.set(beast::http::field::date, HttpDate(absl::Now()));
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : from.headers) response.insert(name, value);
  response.keep_alive(keep_alive);
  // It has neither a body nor its length (RFC 9110, section 8.6).
  if (response.result() == beast::http::status::no_content) return response;
  response.set(beast::http::field::content_type, from.content_type);
  response.body() = std::move(from.body);
  response.prepare_payload();
  return response;
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

class BeastConnection final : public Connection,
                              public std::enable_shared_from_this<BeastConnection> {
 public:
  BeastConnection(Tcp::socket socket, ConnectionContext& context, std::function<void()> closed)
      : stream_(std::move(socket)), context_(context), closed_(std::move(closed)) {}

  ~BeastConnection() override { closed_(); }

  void AwaitRequest() {
    state_ = State::kIdle;
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(context_.options.max_header_bytes));
    parser_->body_limit(context_.options.max_body_bytes);
    if (buffer_.size() > 0) return ReadRequest();
    stream_.expires_after(Chrono(context_.options.idle_timeout));
    // The first byte ends the idle time; the rest of the request has a timeout of its own.
    stream_.async_read_some(buffer_.prepare(kFirstReadBytes),
                            [self = shared_from_this()](ErrorCode error, size_t n) {
                              if (error) return;
                              self->buffer_.commit(n);
                              self->ReadRequest();
                            });
  }

  void Finish() override {
    finishing_ = true;
    if (state_ == State::kIdle) Abort();
  }

  void Abort() override { stream_.close(); }

 private:
  enum class State { kIdle, kBusy };
  static constexpr size_t kFirstReadBytes = 4096;

  void ReadRequest() {
    state_ = State::kBusy;
    stream_.expires_after(Chrono(context_.options.read_timeout));
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCode error, size_t) { self->OnHeader(error); });
  }

  void OnHeader(ErrorCode error) {
    if (error) return OnRead(error);
    const bool waits = beast::iequals(parser_->get()[beast::http::field::expect], "100-continue");
    if (!waits || parser_->is_done()) return ReadBody();
    response_ = BeastResponse(beast::http::status::continue_, kHttp11);
    serializer_.emplace(response_);
    beast::http::async_write(stream_, *serializer_,
                             [self = shared_from_this()](ErrorCode write_error, size_t) {
                               if (!write_error) self->ReadBody();
                             });
  }

  void ReadBody() {
    beast::http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](ErrorCode error, size_t) { self->OnRead(error); });
  }

  void OnRead(ErrorCode error) {
    received_ = absl::Now();
    if (error) {
      auto answer = AnswerTo(error);
      if (!answer.has_value()) return;
      finishing_ = true;  // where the next request would begin is not known
      return Write("other", *std::move(answer), kHttp11, false);
    }
    const unsigned version = parser_->get().version();
    const bool head = parser_->get().method() == beast::http::verb::head;
    finishing_ = finishing_ || !parser_->get().keep_alive();
    stream_.expires_never();
    Request request = FromBeast(parser_->release());
    Router::Match match = context_.router.Find(request);
    auto& threads = match.load == Load::kHeavy ? context_.heavy_handlers : context_.light_handlers;
    asio::post(threads, [self = shared_from_this(), version, head, match = std::move(match),
                         request = std::move(request)]() mutable {
      Response response = match.handler(request);
      self->context_.cors.AddHeaders(request, response);
      CompressBody(request, response);
      const auto executor = self->stream_.get_executor();
      asio::post(executor, [self = std::move(self), version, head, route = match.route,
                            response = std::move(response)]() mutable {
        self->Write(route, std::move(response), version, head);
      });
    });
  }

  void Write(std::string_view route, Response response, unsigned version, bool head) {
    const int status = response.status;
    response_ = ToBeast(std::move(response), version, !finishing_);
    if (head) response_.body().clear();  // Content-Length stays what GET would have
    serializer_.emplace(response_);
    stream_.expires_after(Chrono(context_.options.write_timeout));
    auto on_written = [self = shared_from_this(), route, status](ErrorCode error, size_t) {
      self->context_.metrics.RequestDone(route, status, absl::Now() - self->received_);
      self->OnWritten(error);
    };
    if (head) {
      beast::http::async_write_header(stream_, *serializer_, std::move(on_written));
    } else {
      beast::http::async_write(stream_, *serializer_, std::move(on_written));
    }
  }

  void OnWritten(ErrorCode error) {
    if (error) return;
    if (!finishing_) return AwaitRequest();
    stream_.socket().shutdown(Tcp::socket::shutdown_send, error);
    Drain();
  }

  // Reads what the client still sends until it closes: closing with unread bytes would reset the
  // connection and take the answer away from the client.
  void Drain() {
    buffer_.clear();
    stream_.expires_after(Chrono(absl::Seconds(1)));
    stream_.async_read_some(buffer_.prepare(kFirstReadBytes),
                            [self = shared_from_this()](ErrorCode error, size_t n) {
                              self->drained_bytes_ += n;
                              if (error || self->drained_bytes_ > kMaxDrainBytes) return;
                              self->Drain();
                            });
  }

  static constexpr size_t kMaxDrainBytes = 16 * 1024 * 1024;

  beast::tcp_stream stream_;
  ConnectionContext& context_;
  std::function<void()> closed_;
  beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  BeastResponse response_;
  std::optional<beast::http::response_serializer<beast::http::string_body>> serializer_;
  absl::Time received_;
  size_t drained_bytes_ = 0;
  State state_ = State::kIdle;
  bool finishing_ = false;  // close after the answer
};

}  // namespace

std::shared_ptr<Connection> Serve(Tcp::socket socket, ConnectionContext& context,
                                  std::function<void()> closed) {
  auto connection =
      std::make_shared<BeastConnection>(std::move(socket), context, std::move(closed));
  connection->AwaitRequest();
  return connection;
}

void Refuse(Tcp::socket socket) {
  auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
  auto response = std::make_shared<BeastResponse>(
      ToBeast({.status = 503, .body = "503 too many connections\n"}, kHttp11, false));
  stream->expires_after(std::chrono::seconds(1));
  beast::http::async_write(*stream, *response, [stream, response](ErrorCode error, size_t) {
    stream->socket().shutdown(Tcp::socket::shutdown_send, error);
  });
}

}  // namespace leadline::http
