// HTTP/2 (RFC 9113) and gRPC as exchanges by stream.
//
// A stream's number says what belongs together, whatever is missing: a hole costs what was in it.
// After one, frames are looked for where a system call begins, and header fields that refer to
// earlier ones are not known until those are said again. A response that is read before its request
// waits in its stream.
#include "agent/protocols/base/parser.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/protocols/base/exchange.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/http2/detect.h"
#include "agent/protocols/http2/finish.h"
#include "agent/protocols/http2/frame_reader.h"
#include "agent/protocols/http2/grpc.h"
#include "agent/protocols/http2/head.h"
#include "agent/protocols/http2/streams.h"
#include "agent/protocols/normalise/route.h"

namespace leadline::agent::protocols::http2 {
namespace {

using base::Exchange;
using base::Flow;
using base::Input;
using base::Loss;
using base::Verdict;

using Event = FrameReader::Event;

constexpr std::string_view kVersion = "2";
// A path's memory that is kept for the next connection.
constexpr size_t kKeptPath = 256;

bool IsClients(uint32_t stream) { return (stream & 1) != 0; }

// The end of a part of a message.
struct Tail {
  uint64_t ts_ns = 0;
  bool ends_stream = false;
  bool cut = false;  // the end was not seen, and that is when the last came that was

  static Tail At(const Input& input, size_t at, const Frame& frame) {
    return {.ts_ns = input.TimeBefore(at),
            .ends_stream = frame.ends_stream(),
            .cut = at == 0 && input.before_estimated};
  }
};

class Http2Parser : public base::Parser {
 public:
  void Begin(const base::ParserSetup& setup) override {
    setup_ = setup;
    failures_ = 0;
    last_request_ = 0;
    refused_above_ = UINT32_MAX;
    refusal_ = {};
    responses_whole_ = setup.from_start;
    reader(Flow::kRequest).Begin(limits(), setup.from_start, true);
    reader(Flow::kResponse).Begin(limits(), setup.from_start, false);
  }

  // What was asked by HTTP/1.1 with an upgrade is answered on stream 1 (RFC 7540, 3.2).
  bool Adopt(Exchange exchange) override {
    Stream& stream = streams_.Open(1);
    stream.exchange = std::move(exchange);
    stream.exchange.version = kVersion;
    stream.has_request = true;
    stream.response_lost = reader(Flow::kResponse).lost();
    stream.grpc = Stream::Grpc::kNo;
    last_request_ = 1;
    return true;
  }

  Verdict Parse(Flow flow, const Input& input) override {
    FrameReader& reader = this->reader(flow);
    if (reader.lost() && !Resume(flow, input)) return PassOver(input, 0);
    size_t at = 0;
    while (true) {
      switch (reader.Next(input, at)) {
        case Event::kMore:
          return Verdict::More(at);
        case Event::kSkip:
          return Verdict::Skip(at, reader.skip_bytes());
        case Event::kField:
          if (reader.unknown() || head(flow).Read(flow, reader.name(), reader.value())) break;
          return Invalid(flow, input, at);
        case Event::kHead:
          EndHead(flow, Tail::At(input, at, reader.frame()), reader.incomplete());
          break;
        case Event::kBody:
          BeginBody(flow);
          break;
        case Event::kBodyEnd:
          EndBody(flow, Tail::At(input, at, reader.frame()));
          break;
        case Event::kReset:
          Reset(flow, reader.frame().stream, ErrorName(reader.error()), input.TimeBefore(at));
          break;
        case Event::kGoAway:
          if (flow == Flow::kResponse) GoAway(reader.last_stream(), reader.error());
          break;
        case Event::kInvalid:
          return Invalid(flow, input, at);
      }
    }
  }

  void Gap(Flow flow, uint64_t /*bytes*/, uint64_t ts_ns) override { Lose(flow, ts_ns); }

  void Tick(uint64_t now_ns) override {
    for (size_t i = streams_.size(); i-- > 0;) {
      Stream& stream = streams_[i];
      Exchange& exchange = stream.exchange;
      if (!stream.has_request) {
        if (now_ns >= stream.touched_ns + limits().wait_ns) DropHeld(i);
      } else if (stream.given_up) {
        if (now_ns < stream.touched_ns + limits().wait_ns) continue;
        EndWithoutResponse(exchange);
        Emit(i);
      } else if (stream.response_lost && exchange.response_begun && !exchange.response_done &&
                 now_ns >= stream.touched_ns + limits().open_end_ns) {
        exchange.flags |= base::kResponseCut | base::kEndEstimated;
        CutRequest(exchange);
        Emit(i);
      }
    }
  }

  void Close(const base::Ending& ending) override {
    while (streams_.size() > 0) {
      Stream& stream = streams_[0];
      Exchange& exchange = stream.exchange;
      if (!stream.has_request) {
        DropHeld(0);
        continue;
      }
      if (stream.given_up) {
        EndWithoutResponse(exchange);
      } else if (!exchange.response_done) {
        if (stream.response_lost && !exchange.response_begun) {
          Count(Loss::kResponseLost, 1);
          streams_.Close(0);
          continue;
        }
        exchange.flags |= exchange.response_begun ? base::kResponseCut : base::kNoResponse;
        if (ending.whole && !stream.response_lost) exchange.failure = base::Failure::kClosed;
      }
      CutRequest(exchange);
      Emit(0);
    }
  }

  void End() override {
    streams_.Clear();
    for (FrameReader& reader : readers_) reader.End();
    for (Head& head : heads_) {
      head.Clear();
      if (head.path.capacity() > kKeptPath) std::string().swap(head.path);
    }
  }

  size_t memory_bytes() const override {
    size_t bytes = streams_.memory_bytes();
    for (const FrameReader& reader : readers_) bytes += reader.memory_bytes();
    for (const Head& head : heads_) bytes += head.path.capacity();
    return bytes;
  }

 private:
  FrameReader& reader(Flow flow) { return readers_[static_cast<size_t>(flow)]; }
  Head& head(Flow flow) { return heads_[static_cast<size_t>(flow)]; }
  const base::Limits& limits() const { return setup_.shard->limits(); }
  void Count(Loss loss, uint64_t count) const {
    setup_.shard->counters().Add(setup_.protocol, loss, count);
  }

  // ---- Holes ------------------------------------------------------------------------------------

  bool Resume(Flow flow, const Input& input) {
    if (!input.begins_chunk) return false;
    const bool at_preface = flow == Flow::kRequest && input.bytes.starts_with(kConnectionPreface);
    if (!at_preface &&
        !BeginsWithFrame(input.bytes, input.bytes.size() + input.missing,
                         [this](uint32_t id) { return streams_.Find(id) != nullptr; })) {
      return false;
    }
    reader(flow).Resume(at_preface);
    Count(Loss::kResynchronised, 1);
    return true;
  }

  Verdict PassOver(const Input& input, size_t at) const {
    Count(Loss::kUnsynchronised, input.bytes.size() - at);
    return Verdict::More(input.bytes.size());
  }

  Verdict Invalid(Flow flow, const Input& input, size_t at) {
    Count(Loss::kInvalidMessage, 1);
    if (++failures_ > limits().failures) return Verdict::Off(Loss::kInvalid);
    Lose(flow, input.ts_ns);
    // What was taken for requests may have been none.
    if (flow == Flow::kRequest) last_request_ = 0;
    return PassOver(input, at);
  }

  void Lose(Flow flow, uint64_t ts_ns) {
    if (reader(flow).Lose()) EndHead(flow, {.ts_ns = ts_ns, .cut = true}, true);
    head(flow).Clear();
    responses_whole_ &= flow == Flow::kRequest;
    for (size_t i = streams_.size(); i-- > 0;) {
      Stream& stream = streams_[i];
      Exchange& exchange = stream.exchange;
      if (flow == Flow::kRequest) {
        if (!stream.has_request || exchange.request_done) continue;
        CutRequest(exchange);
        Settle(i);
      } else if (!exchange.response_done) {
        stream.response_lost = true;
        stream.touched_ns = ts_ns;
        if (exchange.response_begun) exchange.flags |= base::kResponseCut;
      }
    }
  }

  // ---- Heads, trailers, bodies ------------------------------------------------------------------

  void EndHead(Flow flow, const Tail& tail, bool incomplete) {
    if (flow == Flow::kRequest) {
      EndRequestHead(tail, incomplete);
    } else {
      EndResponseHead(tail, incomplete);
    }
    head(flow).Clear();
  }

  void EndRequestHead(const Tail& tail, bool incomplete) {
    const FrameReader& reader = this->reader(Flow::kRequest);
    const Head& head = this->head(Flow::kRequest);
    const uint32_t id = reader.frame().stream;
    Stream* stream = streams_.Find(id);
    if (stream == nullptr || !stream->has_request) {
      const bool is_request = incomplete || !head.method.empty() || !head.path.empty();
      if (id <= last_request_ || !IsClients(id) || !is_request) {
        Count(Loss::kUnsynchronised, reader.bytes());
        return;
      }
      last_request_ = id;
      DropHeldBefore(id);
      if (stream == nullptr) stream = Open(id);
      if (stream == nullptr) {
        Count(Loss::kStreamsFull, 1);
        return;
      }
      BeginRequest(*stream, incomplete);
      const bool was_reset = stream->exchange.failure != base::Failure::kNone;
      if (was_reset && !tail.ends_stream) CutRequest(stream->exchange);
    }
    EndPart(stream, Flow::kRequest, tail);
  }

  void BeginRequest(Stream& stream, bool incomplete) {
    const FrameReader& reader = this->reader(Flow::kRequest);
    const Head& head = this->head(Flow::kRequest);
    Exchange& exchange = stream.exchange;
    stream.has_request = true;
    stream.request_incomplete = incomplete;
    stream.response_lost |= this->reader(Flow::kResponse).lost();
    exchange.version = kVersion;
    exchange.request_first_ns = reader.first_ns();
    exchange.operation = head.method;
    // Of a response that was read before it is known already, perhaps.
    if (head.has_content || !incomplete) {
      stream.grpc = head.has_rpc_content ? Stream::Grpc::kYes : Stream::Grpc::kNo;
    }
    KeepPath(stream, head);
    if (reader.frame().stream > refused_above_) {
      SetError(stream, refusal_);
      EndWithoutResponse(exchange);
    }
  }

  // As a route, a method, or both where it is not known which.
  void KeepPath(Stream& stream, const Head& head) {
    if (head.path.empty()) return;
    if (stream.grpc != Stream::Grpc::kNo) {
      if (const std::string_view method = GrpcMethod(head.path); !method.empty()) {
        stream.rpc =
            setup_.shard->Intern(setup_.protocol, base::RecordKind::kRpc, {.text = method});
      }
    }
    if (stream.grpc == Stream::Grpc::kYes) return;
    char route[normalise::kMaxRoute];
    const std::string_view text =
        head.path == "*" ? "*" : normalise::Route(head.path, absl::MakeSpan(route));
    if (text.empty()) return;
    stream.exchange.text =
        setup_.shard->Intern(setup_.protocol, base::RecordKind::kHttp, {.text = text});
    if (head.path.size() == Head::kMaxPath && head.path.find_first_of("?#") == std::string::npos) {
      stream.exchange.flags |= base::kTextCut;
    }
  }

  void EndResponseHead(const Tail& tail, bool incomplete) {
    const FrameReader& reader = this->reader(Flow::kResponse);
    const Head& head = this->head(Flow::kResponse);
    const uint32_t id = reader.frame().stream;
    if (head.status / 100 == 1 && !tail.ends_stream) return;  // informational: more will come
    Stream* stream = streams_.Find(id);
    if (stream == nullptr) stream = Hold(id, tail.ts_ns);
    if (stream == nullptr) {
      Count(Loss::kNoRequest, reader.bytes());
      return;
    }
    Exchange& exchange = stream->exchange;
    if (!exchange.response_begun || (stream->http_status == 0 && head.status != 0)) {
      if (head.status == 0 && tail.cut) return;  // it may have been informational
      // Before its request, whatever was lost may have been of it.
      stream->response_lost |= !stream->has_request && !responses_whole_;
      BeginResponse(*stream, head.status, reader.first_ns());
      if (stream->grpc == Stream::Grpc::kUnknown) stream->grpc = GrpcOfResponse(head, incomplete);
    } else {
      stream->has_trailers = true;
    }
    if (head.has_rpc_status) {
      stream->has_rpc_status = true;
      stream->rpc_status = head.rpc_status;
      stream->grpc = Stream::Grpc::kYes;
    }
    if (incomplete) stream->response_incomplete = true;
    EndPart(stream, Flow::kResponse, tail);
  }

  // Of a success only: errors may be those of a proxy.
  static Stream::Grpc GrpcOfResponse(const Head& head, bool incomplete) {
    if (head.has_rpc_content) return Stream::Grpc::kYes;
    const bool says_so = head.status == 200 && (head.has_content || !incomplete);
    return says_so ? Stream::Grpc::kNo : Stream::Grpc::kUnknown;
  }

  // `status` 0: it is not known. Where there was a hole these may be trailers; and if another head
  // follows it was an informational response.
  static void BeginResponse(Stream& stream, uint16_t status, uint64_t first_ns) {
    Exchange& exchange = stream.exchange;
    exchange.response_begun = true;
    exchange.response_bytes = 0;
    stream.http_status = status;
    if (status == 0 && stream.response_lost) {
      exchange.flags |= base::kResponseCut;
    } else {
      exchange.response_first_ns = first_ns;
      stream.response_lost = false;
    }
    if (status == 0) stream.response_incomplete = true;
  }

  void BeginBody(Flow flow) {
    const FrameReader& reader = this->reader(flow);
    Stream* stream = streams_.Find(reader.frame().stream);
    if (stream == nullptr) return;
    if (flow == Flow::kRequest) {
      if (stream->grpc == Stream::Grpc::kUnknown && !stream->has_body && !reader.frame().padded()) {
        stream->body_is_rpc = LooksLikeGrpcMessage(reader.body(), reader.frame().length);
      }
      stream->has_body = true;
    } else if (!stream->exchange.response_begun) {
      stream->response_lost = true;
      BeginResponse(*stream, 0, 0);
    }
  }

  void EndBody(Flow flow, const Tail& tail) {
    const FrameReader& reader = this->reader(flow);
    Stream* stream = streams_.Find(reader.frame().stream);
    if (stream == nullptr) {
      Count(flow == Flow::kRequest ? Loss::kUnsynchronised : Loss::kNoRequest, reader.bytes());
      return;
    }
    if (flow == Flow::kResponse) stream->ends_with_body = tail.ends_stream;
    EndPart(stream, flow, tail);
  }

  // What every part of a message adds to it.
  void EndPart(Stream* stream, Flow flow, const Tail& tail) {
    const FrameReader& reader = this->reader(flow);
    Exchange& exchange = stream->exchange;
    if (flow == Flow::kRequest) {
      exchange.request_bytes += reader.bytes();
      exchange.request_last_ns = tail.ts_ns;
      if (tail.cut) exchange.flags |= base::kRequestCut;
      exchange.request_done |= tail.ends_stream;
    } else {
      exchange.response_bytes += reader.bytes();
      exchange.response_last_ns = stream->touched_ns = tail.ts_ns;
      if (tail.cut) exchange.flags |= base::kResponseCut | base::kEndEstimated;
      if (tail.ends_stream) {
        exchange.response_done = true;
        exchange.failure = base::Failure::kNone;
        exchange.error = {};
      }
    }
    Settle(streams_.PlaceOf(reader.frame().stream));
  }

  // ---- Ends of streams --------------------------------------------------------------------------

  // After a whole response it only says that no more of the request is wanted. What the server says
  // is the end; of what the client gives up the response may be on its way, and counts.
  void Reset(Flow flow, uint32_t id, std::string_view error, uint64_t ts_ns) {
    Stream* stream = streams_.Find(id);
    if (stream == nullptr && flow == Flow::kResponse) stream = Hold(id, ts_ns);
    if (stream == nullptr) return;
    Exchange& exchange = stream->exchange;
    if (stream->has_request && flow == Flow::kResponse) CutRequest(exchange);
    if (flow == Flow::kRequest) exchange.request_done = true;
    if (!exchange.response_done) {
      if (!stream->given_up) SetError(*stream, error);
      if (flow == Flow::kRequest) {
        stream->given_up = true;
        stream->touched_ns = ts_ns;
      } else {
        EndWithoutResponse(exchange);
      }
    }
    Settle(streams_.PlaceOf(id));
  }

  // The server has not looked at later requests, nor will it (RFC 9113, 6.8).
  void GoAway(uint32_t last_stream, uint32_t code) {
    refused_above_ = std::min(refused_above_, last_stream);
    refusal_ = code == 0 ? std::string_view("REFUSED_STREAM") : ErrorName(code);
    for (size_t i = streams_.size(); i-- > 0 && streams_.id(i) > last_stream;) {
      Exchange& exchange = streams_[i].exchange;
      if (!streams_[i].has_request || exchange.response_done) continue;
      SetError(streams_[i], refusal_);
      EndWithoutResponse(exchange);
      Settle(i);
    }
  }

  static void SetError(Stream& stream, std::string_view error) {
    stream.exchange.failure = base::Failure::kNamed;
    stream.exchange.error = error;
  }

  // Its end was not seen, or is of no use to the server any more.
  static void CutRequest(Exchange& exchange) {
    if (!exchange.request_done) exchange.flags |= base::kRequestCut;
    exchange.request_done = true;
  }

  static void EndWithoutResponse(Exchange& exchange) {
    if (!exchange.response_begun) exchange.flags |= base::kNoResponse;
    exchange.response_done = true;
  }

  void Settle(size_t i) {
    const Stream& stream = streams_[i];
    if (stream.has_request && stream.exchange.request_done && stream.exchange.response_done) {
      Emit(i);
    }
  }

  // No stream when there are too many that may still end well.
  Stream* Open(uint32_t id) {
    for (size_t i = 0; i < streams_.size() && streams_.size() >= limits().streams;) {
      if (!streams_[i].has_request) {
        DropHeld(i);
      } else if (streams_[i].response_lost) {
        Count(Loss::kResponseLost, 1);
        streams_.Close(i);
      } else {
        ++i;
      }
    }
    return streams_.size() < limits().streams ? &streams_.Open(id) : nullptr;
  }

  // For a response to a request that may still come.
  Stream* Hold(uint32_t id, uint64_t ts_ns) {
    if (!IsClients(id) || id <= last_request_) return nullptr;
    Stream* stream = Open(id);
    if (stream != nullptr) stream->touched_ns = ts_ns;
    return stream;
  }

  // Requests come in the order of their numbers.
  void DropHeldBefore(uint32_t id) {
    for (size_t i = 0; i < streams_.size() && streams_.id(i) < id;) {
      if (streams_[i].has_request) {
        ++i;
      } else {
        DropHeld(i);
      }
    }
  }

  void DropHeld(size_t i) {
    Count(Loss::kNoRequest, streams_[i].exchange.response_bytes);
    streams_.Close(i);
  }

  void Emit(size_t i) {
    Stream& stream = streams_[i];
    Finish(stream, setup_.side);
    failures_ = 0;
    setup_.shard->Emit(setup_, stream.exchange);
    streams_.Close(i);
  }

  base::ParserSetup setup_;
  FrameReader readers_[2];
  Head heads_[2];
  StreamTable streams_;
  uint32_t last_request_ = 0;  // the last stream that a request has opened
  uint32_t refused_above_ = UINT32_MAX;
  std::string_view refusal_;
  bool responses_whole_ = true;  // nothing of them is missing
  uint32_t failures_ = 0;        // in a row
};

}  // namespace

unsigned int Detect(const ll_detect_head& head) { return ll_detect_http2(&head); }

std::unique_ptr<base::Parser> NewParser() { return std::make_unique<Http2Parser>(); }

}  // namespace leadline::agent::protocols::http2
