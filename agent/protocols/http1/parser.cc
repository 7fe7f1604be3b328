// HTTP/1.x (RFC 9112) as exchanges in order.
#include <memory>
#include <string_view>

#include "agent/protocols/base/fifo_parser.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/http1/detect.h"
#include "agent/protocols/http1/message.h"
#include "agent/protocols/normalise/http_method.h"
#include "agent/protocols/normalise/route.h"

namespace leadline::agent::protocols::http1 {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;

// What of a request decides how its response is framed.
enum Tag : uint32_t { kOtherMethod, kHead, kConnect };

// "HTTP/1.1" -> "1.1"; "" for no version of HTTP/1.
std::string_view VersionOf(std::string_view text) {
  if (text == "HTTP/1.1") return "1.1";
  if (text == "HTTP/1.0") return "1.0";
  return {};
}

class Http1Parser : public base::FifoParser {
 protected:
  Step ReadRequest(const Input& input, size_t& at, Exchange& exchange) override {
    switch (request_.Next(input.bytes, at)) {
      case Message::Event::kMore:
        return {};
      case Message::Event::kStartLine:
        // Empty lines before a request are passed over (RFC 9112, 2.2).
        if (request_.line().empty()) {
          request_.Restart();
          return {.found = Found::kIgnored};
        }
        return {.found = ReadRequestLine(exchange) ? Found::kBegun : Found::kInvalid};
      case Message::Event::kHead:
        request_.SetBody(BodyOfRequest());
        return ReadRequest(input, at, exchange);
      case Message::Event::kSkip:
        return {.found = Found::kSkip, .skip_bytes = request_.skip_bytes()};
      case Message::Event::kEnd:
        request_.Restart();
        return {.found = Found::kEnd};
      case Message::Event::kInvalid:
        break;
    }
    return {.found = Found::kInvalid};
  }

  Step ReadResponse(const Input& input, size_t& at, Exchange* exchange) override {
    if (exchange == nullptr) return {.found = Found::kWait};
    switch (response_.Next(input.bytes, at)) {
      case Message::Event::kMore:
        return {};
      case Message::Event::kStartLine:
        if (!ReadStatusLine()) break;
        if (interim_) return ReadResponse(input, at, exchange);
        SetStatus(*exchange);
        return {.found = Found::kBegun};
      case Message::Event::kHead:
        if (status_ == 101) return Upgrade();
        if (exchange->tag == kConnect && status_ / 100 == 2) return {.found = Found::kRedetect};
        response_.SetBody(interim_ ? Message::Body::kNone : BodyOfResponse(*exchange));
        return ReadResponse(input, at, exchange);
      case Message::Event::kSkip:
        return {.found = Found::kSkip, .skip_bytes = response_.skip_bytes()};
      case Message::Event::kEnd:
        response_.Restart();
        return {.found = interim_ ? Found::kIgnored : Found::kEnd};
      case Message::Event::kInvalid:
        break;
    }
    return {.found = Found::kInvalid};
  }

  void Restart(Flow flow) override { (flow == Flow::kRequest ? request_ : response_).Restart(); }
  bool EndsWithConnection() const override { return response_.UntilClose(); }

 private:
  bool ReadRequestLine(Exchange& exchange) {
    const std::string_view line = request_.line();
    const size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 32) return false;
    const std::string_view method = line.substr(0, space);
    for (const char c : method) {
      if ((c < 'A' || c > 'Z') && c != '-' && c != '_') return false;
    }
    std::string_view target = line.substr(space + 1);
    if (line.size() < Message::kMaxLine) {
      const size_t end = target.rfind(' ');
      if (end == std::string_view::npos) return false;
      exchange.version = VersionOf(target.substr(end + 1));
      if (exchange.version.empty()) return false;
      target = target.substr(0, end);
    } else if (target.find_first_of("? ") == std::string_view::npos) {
      exchange.flags |= base::kTextCut;
    }
    exchange.kind = base::RecordKind::kHttp;
    exchange.operation = normalise::KnownMethod(method);
    exchange.tag = method == "HEAD" ? kHead : method == "CONNECT" ? kConnect : kOtherMethod;
    char route[normalise::kMaxRoute];
    const std::string_view text =
        target == "*" ? target : normalise::Route(target, absl::MakeSpan(route));
    if (!text.empty()) {
      exchange.text = shard().Intern(setup().protocol, exchange.kind, {.text = text});
    }
    return true;
  }

  bool ReadStatusLine() {
    const std::string_view line = response_.line();
    if (line.size() < 12 || VersionOf(line.substr(0, 8)).empty() || line[8] != ' ') return false;
    status_ = 0;
    for (const char c : line.substr(9, 3)) {
      if (c < '0' || c > '9') return false;
      status_ = status_ * 10 + static_cast<uint32_t>(c - '0');
    }
    if (status_ < 100 || (line.size() > 12 && line[12] != ' ')) return false;
    interim_ = status_ < 200 && status_ != 101;
    return true;
  }

  void SetStatus(Exchange& exchange) const {
    exchange.status = base::ShortText::Decimal(status_);
    const uint32_t least_error = setup().side == base::Side::kServer ? 500 : 400;
    if (status_ >= least_error) exchange.failure = base::Failure::kStatus;
  }

  // RFC 9112, 6.3
  Message::Body BodyOfRequest() const {
    if (request_.head().chunked) return Message::Body::kChunked;
    return request_.head().has_length ? Message::Body::kLength : Message::Body::kNone;
  }
  Message::Body BodyOfResponse(const Exchange& exchange) const {
    if (exchange.tag == kHead || status_ == 204 || status_ == 304) return Message::Body::kNone;
    if (response_.head().chunked) return Message::Body::kChunked;
    return response_.head().has_length ? Message::Body::kLength : Message::Body::kUntilClose;
  }

  // 101: what follows is another protocol, of which one is known.
  Step Upgrade() const {
    if (response_.head().upgrade_h2c) return {.found = Found::kHandOver};
    return {.found = Found::kLeave, .off_loss = Loss::kUpgraded};
  }

  Message request_;
  Message response_;
  uint32_t status_ = 0;
  bool interim_ = false;
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_http1(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<Http1Parser>(); }

}  // namespace leadline::agent::protocols::http1
