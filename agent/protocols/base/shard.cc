#include "agent/protocols/base/shard.h"

namespace leadline::agent::protocols::base {
namespace {

std::string_view ErrorOf(const Exchange& exchange) {
  switch (exchange.failure) {
    case Failure::kNone:
      return "";
    case Failure::kStatus:
      return exchange.status.view();
    case Failure::kClosed:
      return "connection_closed";
    case Failure::kTimeout:
      return "timeout";
    case Failure::kNamed:
      return exchange.error;
  }
  return "";
}

}  // namespace

Shard::Shard(const Limits& limits, RecordSink& sink)
    : limits_(limits),
      sink_(sink),
      buffers_(limits.buffer_bytes, limits.pool_bytes),
      texts_(limits.texts) {}

void Shard::Emit(const ParserSetup& setup, const Exchange& exchange) {
  const TextRef& text = exchange.text;
  const RequestRecord record{
      .protocol = setup.protocol,
      .kind = exchange.kind,
      .side = setup.side,
      .flags = static_cast<uint16_t>(exchange.flags | (text.cut() ? kTextCut : 0)),
      .connection = setup.info.id,
      .version = exchange.version,
      .operation = exchange.operation.empty() ? text.operation() : exchange.operation,
      .target = text.text(),
      .summary = text.summary(),
      .fingerprint = text.fingerprint(),
      .status = exchange.status.view(),
      .error = ErrorOf(exchange),
      .request_first_ns = exchange.request_first_ns,
      .request_last_ns = exchange.request_last_ns,
      .response_first_ns = exchange.response_first_ns,
      .response_last_ns = exchange.response_last_ns,
      .request_bytes = exchange.request_bytes,
      .response_bytes = exchange.response_bytes,
  };
  Counters::ByProtocol& counters = counters_.of(setup.protocol);
  ++counters.records;
  if (record.flags != 0) ++counters.partial_records;
  sink_.OnRequest(record);
}

TextRef Shard::Intern(Protocol protocol, RecordKind kind, const TextParts& parts) {
  TextRef text = texts_.Intern(static_cast<uint8_t>(kind), parts);
  if (!text) counters_.Add(protocol, Loss::kTextsFull);
  return text;
}

}  // namespace leadline::agent::protocols::base
