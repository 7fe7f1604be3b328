#include "tests/protocols/replay.h"

#include <algorithm>
#include <string_view>

#include "fmt/format.h"

#include "agent/protocols/base/attributes.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/connection.h"
#include "agent/protocols/parser_pool.h"

namespace leadline::tests::protocols {
namespace {

using base::RequestRecord;

constexpr std::string_view kFlagNames[] = {"joined_late",   "request_cut",   "response_cut",
                                           "no_response",   "end_estimated", "text_cut",
                                           "fields_unknown"};

std::string Seconds(uint64_t ts_ns) {
  return ts_ns == 0 ? "-" : fmt::format("{:.6f}", static_cast<double>(ts_ns) / 1e9);
}

std::string Line(const RequestRecord& record) {
  std::string line(base::ProtocolKey(record.protocol));
  line += record.side == base::Side::kClient ? " client" : " server";
  base::ForEachAttribute(record, [&line](std::string_view name, std::string_view value) {
    const bool quoted = value.find(' ') != std::string_view::npos;
    line += quoted ? fmt::format(" {}=\"{}\"", name, value) : fmt::format(" {}={}", name, value);
  });
  line += fmt::format(" request={}..{}/{} response={}..{}/{}", Seconds(record.request_first_ns),
                      Seconds(record.request_last_ns), record.request_bytes,
                      Seconds(record.response_first_ns), Seconds(record.response_last_ns),
                      record.response_bytes);
  for (size_t i = 0; i < std::size(kFlagNames); ++i) {
    if ((record.flags >> i & 1) != 0) line += fmt::format(" {}", kFlagNames[i]);
  }
  return line;
}

class KeepingSink : public base::RecordSink {
 public:
  explicit KeepingSink(std::vector<KeptRecord>& out) : out_(out) {}
  void OnRequest(const RequestRecord& record) override { out_.emplace_back(record); }

 private:
  std::vector<KeptRecord>& out_;
};

}  // namespace

KeptRecord::KeptRecord(const RequestRecord& given)
    : record(given),
      operation(given.operation),
      target(given.target),
      summary(given.summary),
      status(given.status),
      error(given.error),
      line(Line(given)) {}

std::vector<std::string> Replayed::lines() const {
  std::vector<std::string> out;
  out.reserve(records.size());
  for (const KeptRecord& record : records) out.push_back(record.line);
  return out;
}

void RunThrough(const Transcript& transcript, agent::protocols::Connection& connection,
                absl::FunctionRef<void()> after) {
  connection.Begin(transcript.info);
  uint64_t offsets[2] = {};
  for (const Event& event : transcript.events) {
    const bool egress =
        (event.flow == base::Flow::kRequest) == (transcript.side == base::Side::kClient);
    const base::Direction direction = egress ? base::Direction::kEgress : base::Direction::kIngress;
    uint64_t& offset = offsets[static_cast<size_t>(direction)];
    switch (event.kind) {
      case Event::Kind::kBytes:
        connection.Push({.direction = direction,
                         .offset = offset,
                         .ts_ns = event.ts_ns,
                         .bytes = event.bytes,
                         .uncaptured = event.length});
        offset += event.bytes.size() + event.length;
        break;
      case Event::Kind::kLost:
        offset += event.length;
        break;
      case Event::Kind::kTick:
        connection.Tick(event.ts_ns);
        break;
      case Event::Kind::kClose: {
        agent::protocols::End end{.ts_ns = event.ts_ns};
        if (event.known_lengths) std::copy(std::begin(offsets), std::end(offsets), end.offset);
        connection.Close(end);
        break;
      }
    }
    after();
  }
}

Replayed Replay(const Transcript& transcript, const base::Limits& limits) {
  Replayed out;
  KeepingSink sink(out.records);
  base::Shard shard(limits, sink);
  agent::protocols::ParserPool parsers;
  agent::protocols::Connection connection(shard, parsers);
  RunThrough(transcript, connection, [&] {
    if (connection.protocol() != base::Protocol::kUnknown) out.protocol = connection.protocol();
    out.most_memory_bytes = std::max(out.most_memory_bytes, connection.memory_bytes());
  });
  out.counters = shard.counters();
  return out;
}

}  // namespace leadline::tests::protocols
