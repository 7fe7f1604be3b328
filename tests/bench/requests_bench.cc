// What a request costs the agent from the kernel's records to its row: decoded, followed by
// connection, parsed, counted. Both ends of connections that stay open and take turns, as in the
// ring.
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "agent/probes/request_ring.h"
#include "agent/requests/request_rows.h"
#include "agent/requests/tracker.h"
#include "bpf/shared/requests.h"

namespace {

using leadline::agent::probes::DecodedRequest;
using leadline::agent::probes::DecodeRequestRecord;
using leadline::agent::requests::RequestCounters;
using leadline::agent::requests::RequestRows;
using leadline::agent::requests::Tracker;
using leadline::agent::requests::Wants;
namespace base = leadline::agent::protocols::base;

constexpr uint32_t kConnections = 50;
constexpr int kRounds = 40;  // of each connection, in the records that are read again and again

class NoWants final : public Wants {
 public:
  void From(uint32_t, uint32_t, base::Direction, uint64_t) override {}
  void Nothing(uint32_t, uint32_t) override {}
};

// Calls of the end that asks, or that answers: their bytes, and how many more were not captured.
struct Call {
  bool of_server;
  request_direction direction;
  std::string_view bytes;
  uint32_t uncaptured = 0;
};

// The records of both ends of all connections, which can be read again as what came next.
class Records {
 public:
  explicit Records(const std::vector<Call>& exchange, uint16_t port) {
    for (int round = 0; round < kRounds; ++round) {
      for (uint32_t i = 0; i < kConnections; ++i) {
        for (const Call& call : exchange) Add(call, i, port);
      }
    }
  }

  // Hands out each, and makes it that of the next time.
  template <typename Handler>
  void Read(Handler handler) {
    for (size_t at = 0; at < bytes_.size();) {
      auto* record = reinterpret_cast<request_record*>(bytes_.data() + at);
      const size_t size = sizeof(*record) + record->captured;
      handler(record, size);
      const End& end = ends_[record->place];
      for (size_t i = 0; i < REQUEST_DIRECTIONS; ++i) record->offset[i] += end.offset[i];
      record->ts_mono_ns += ts_ns_;
      at += (size + 7) / 8 * 8;
    }
  }

 private:
  struct End {
    uint64_t offset[REQUEST_DIRECTIONS] = {};
  };

  void Add(const Call& call, uint32_t connection, uint16_t port) {
    const uint32_t place = connection * 2 + (call.of_server ? 1 : 0);
    request_record record = {};
    record.ts_mono_ns = ts_ns_ += 1000;
    std::memcpy(record.offset, ends_[place].offset, sizeof record.offset);
    record.cgroup = call.of_server ? 2 : 1;
    record.place = place;
    record.serial = 1;
    record.uncaptured = call.uncaptured;
    record.captured = static_cast<uint16_t>(call.bytes.size());
    record.local_port = call.of_server ? port : 0;
    record.remote_port = call.of_server ? 0 : port;
    record.kind = REQUEST_CHUNK;
    record.direction = call.direction;
    ends_[place].offset[call.direction] += call.bytes.size() + call.uncaptured;
    const size_t at = bytes_.size();
    bytes_.resize(at + (sizeof record + call.bytes.size() + 7) / 8 * 8);
    std::memcpy(bytes_.data() + at, &record, sizeof record);
    std::memcpy(bytes_.data() + at + sizeof record, call.bytes.data(), call.bytes.size());
  }

  std::vector<char> bytes_;
  std::vector<End> ends_ = std::vector<End>(kConnections * 2);
  uint64_t ts_ns_ = 0;
};

void Run(benchmark::State& state, const std::vector<Call>& exchange, uint16_t port) {
  Records records(exchange, port);
  RequestRows rows({});
  NoWants wants;
  Tracker tracker({.places = kConnections * 2}, rows, wants);
  for (auto _ : state) {
    records.Read([&](const request_record* record, size_t size) {
      DecodedRequest decoded;
      if (!DecodeRequestRecord(record, size, decoded)) state.SkipWithError("a record is malformed");
      tracker.OnCall(decoded.connection, decoded.call);
    });
  }
  uint64_t counted = 0;
  rows.Read([&](const RequestCounters& row) {
    for (const auto& bucket : row.buckets) counted += bucket.count;
  });
  const auto expected = static_cast<uint64_t>(state.iterations()) * kRounds * kConnections * 2;
  if (counted != expected) state.SkipWithError("not every request was counted");
  state.SetItemsProcessed(static_cast<int64_t>(counted));
}

constexpr std::string_view kHttpRequest = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view kHttpResponse =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 19:00:00 GMT\r\n"
    "Content-Type: text/html\r\nContent-Length: 612\r\nLast-Modified: Sun, 29 Nov 2026 18:00:00 "
    "GMT\r\nConnection: keep-alive\r\nETag: \"65a1b2c3-264\"\r\nAccept-Ranges: bytes\r\n\r\n";

// wrk and nginx: a head by writev and a file by sendfile, which are one read of the client.
void Http1(benchmark::State& state) {
  const std::string whole = std::string(kHttpResponse) + std::string(612, 'x');
  Run(state,
      {{false, REQUEST_EGRESS, kHttpRequest},
       {true, REQUEST_INGRESS, kHttpRequest},
       {true, REQUEST_EGRESS, kHttpResponse},
       {true, REQUEST_EGRESS, "", 612},
       {false, REQUEST_INGRESS, whole}},
      80);
}

void Redis(benchmark::State& state) {
  constexpr std::string_view kGet = "*2\r\n$3\r\nGET\r\n$16\r\nkey:__rand_int__\r\n";
  constexpr std::string_view kValue = "$3\r\nxxx\r\n";
  Run(state,
      {{false, REQUEST_EGRESS, kGet},
       {true, REQUEST_INGRESS, kGet},
       {true, REQUEST_EGRESS, kValue},
       {false, REQUEST_INGRESS, kValue}},
      6379);
}

BENCHMARK(Http1);
BENCHMARK(Redis);

}  // namespace

BENCHMARK_MAIN();
