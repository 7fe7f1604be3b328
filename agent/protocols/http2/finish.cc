#include "agent/protocols/http2/finish.h"

#include <string_view>
#include <utility>

#include "agent/protocols/http2/grpc.h"

namespace leadline::agent::protocols::http2 {
namespace {

using base::Exchange;

// No header field says whether it is an RPC, and nothing else against it.
bool MayBeRpc(const Stream& stream) {
  const Exchange& exchange = stream.exchange;
  return stream.grpc == Stream::Grpc::kUnknown && !stream.ends_with_body &&
         (exchange.operation.empty() || exchange.operation == "POST") &&
         (stream.rpc || !exchange.text);
}

// Where no field says so: by the request's body, the response's end, or a path as only methods
// have it.
bool IsRpc(const Stream& stream) {
  if (stream.grpc == Stream::Grpc::kYes) return true;
  const std::string_view method = stream.rpc.text();
  return MayBeRpc(stream) && (stream.body_is_rpc || stream.has_trailers ||
                              method.substr(0, method.find('/')).find('.') != std::string::npos);
}

void FinishRpc(Stream& stream, base::Side side) {
  Exchange& exchange = stream.exchange;
  exchange.kind = base::RecordKind::kRpc;
  exchange.operation = {};
  exchange.text = std::move(stream.rpc);
  if (stream.has_rpc_status) exchange.status = base::ShortText::Decimal(stream.rpc_status);
  if (exchange.failure != base::Failure::kNone) return;

  const bool is_server = side == base::Side::kServer;
  if (!stream.has_rpc_status) {
    // Something before the server has answered, as proxies do.
    if (stream.http_status / 100 > 2) exchange.error = "_OTHER";
  } else if (is_server ? IsGrpcServerError(stream.rpc_status) : stream.rpc_status != 0) {
    exchange.error = GrpcStatusName(stream.rpc_status);
  }
  if (!exchange.error.empty()) exchange.failure = base::Failure::kNamed;
}

void FinishHttp(Stream& stream, base::Side side) {
  Exchange& exchange = stream.exchange;
  exchange.kind = base::RecordKind::kHttp;
  if (MayBeRpc(stream)) {
    // It has gone well or not, whatever HTTP's status says.
    stream.response_incomplete = true;
    if (!stream.rpc) return;
    stream.request_incomplete = true;
    exchange.text.Reset();
    return;
  }
  if (stream.http_status == 0) return;
  exchange.status = base::ShortText::Decimal(stream.http_status);
  const uint16_t least_error = side == base::Side::kServer ? 500 : 400;
  if (stream.http_status >= least_error && exchange.failure == base::Failure::kNone) {
    exchange.failure = base::Failure::kStatus;
  }
}

}  // namespace

void Finish(Stream& stream, base::Side side) {
  Exchange& exchange = stream.exchange;
  if (IsRpc(stream)) {
    FinishRpc(stream, side);
  } else {
    FinishHttp(stream, side);
  }
  const bool is_http = exchange.kind == base::RecordKind::kHttp;
  const bool lacks_request =
      stream.request_incomplete && (!exchange.text || (is_http && exchange.operation.empty()));
  const bool lacks_status =
      exchange.status.empty() && exchange.failure == base::Failure::kNone &&
      (stream.response_incomplete || (exchange.flags & base::kResponseCut) != 0);
  if (lacks_request || lacks_status) exchange.flags |= base::kFieldsUnknown;
}

}  // namespace leadline::agent::protocols::http2
