// What a request costs to be parsed, by protocol: nanoseconds of one exchange on a connection that
// stays open, from its chunks to its record, a chunk a system call.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "agent/protocols/base/shard.h"
#include "agent/protocols/connection.h"
#include "agent/protocols/parser_pool.h"

namespace {

using leadline::agent::protocols::Connection;
using leadline::agent::protocols::ParserPool;
namespace base = leadline::agent::protocols::base;

class CountingSink : public base::RecordSink {
 public:
  void OnRequest(const base::RequestRecord& record) override {
    ++records;
    bytes += record.target.size();
  }
  uint64_t records = 0;
  uint64_t bytes = 0;
};

struct Said {
  base::Direction direction;
  std::string bytes;
  uint64_t uncaptured = 0;
};

constexpr auto kOut = base::Direction::kEgress;
constexpr auto kIn = base::Direction::kIngress;

// Says `begin` once and `again` for ever.
void Run(benchmark::State& state, uint16_t port, const std::vector<Said>& begin,
         const std::vector<Said>& again, uint64_t records_each) {
  CountingSink sink;
  base::Shard shard({}, sink);
  ParserPool parsers;
  Connection connection(shard, parsers);
  connection.Begin({.remote_port = port});
  uint64_t offsets[2] = {};
  uint64_t ts_ns = 1;
  const auto say = [&](const std::vector<Said>& all) {
    for (const Said& said : all) {
      uint64_t& offset = offsets[static_cast<size_t>(said.direction)];
      connection.Push({.direction = said.direction,
                       .offset = offset,
                       .ts_ns = ++ts_ns,
                       .bytes = said.bytes,
                       .uncaptured = said.uncaptured});
      offset += said.bytes.size() + said.uncaptured;
    }
  };
  say(begin);
  const uint64_t before = sink.records;
  for (auto _ : state) say(again);
  if (sink.records - before != static_cast<uint64_t>(state.iterations()) * records_each) {
    state.SkipWithError("other records than expected");
  }
  state.SetItemsProcessed(static_cast<int64_t>(sink.records - before));
}

void Http1KeepAlive(benchmark::State& state) {
  Run(state, 80, {},
      {{kOut,
        "GET /shop/item/4711?ref=mail HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: "
        "Mozilla/5.0 (X11; "
        "Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\nAccept: "
        "text/html,application/xhtml+xml\r\n"
        "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: "
        "keep-alive\r\n"
        "Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"},
       {kIn,
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 19:00:00 "
        "GMT\r\nContent-Type: "
        "text/html; charset=utf-8\r\nContent-Length: 5000\r\nConnection: keep-alive\r\nVary: "
        "Accept-Encoding\r\nETag: \"65a1b2c3-1388\"\r\n\r\n",
        5000}},
      1);
}

// As wrk sends it and nginx answers.
void Http1Small(benchmark::State& state) {
  Run(state, 80, {},
      {{kOut, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"},
       {kIn,
        "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 19:00:00 "
        "GMT\r\nContent-Type: "
        "text/html\r\nContent-Length: 20\r\nConnection: keep-alive\r\n\r\n<html>hello!</html>\n"}},
      1);
}

std::string Http2Frame(char type, char flags, std::string_view payload) {
  std::string frame{static_cast<char>(payload.size() >> 16), static_cast<char>(payload.size() >> 8),
                    static_cast<char>(payload.size()), type, flags};
  return frame.append(3, '\0').append("\1").append(payload);  // stream 1
}

// The same exchange on one stream after another. A write has a frame or two, each beginning a
// stream's number at one of `streams`.
struct Http2Said {
  base::Direction direction;
  std::string bytes;
  std::vector<size_t> streams;
};

void RunHttp2(benchmark::State& state, const std::vector<Said>& begin,
              std::vector<Http2Said> again) {
  CountingSink sink;
  base::Shard shard({}, sink);
  ParserPool parsers;
  Connection connection(shard, parsers);
  connection.Begin({.remote_port = 80});
  uint64_t offsets[2] = {};
  uint64_t ts_ns = 1;
  const auto say = [&](base::Direction direction, const std::string& bytes) {
    uint64_t& offset = offsets[static_cast<size_t>(direction)];
    connection.Push({.direction = direction, .offset = offset, .ts_ns = ++ts_ns, .bytes = bytes});
    offset += bytes.size();
  };
  say(kOut, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Http2Frame(4, 0, ""));
  for (const Said& said : begin) say(said.direction, said.bytes);
  const uint64_t before = sink.records;
  uint32_t stream = 1;
  for (auto _ : state) {
    stream += 2;
    for (Http2Said& said : again) {
      for (const size_t at : said.streams) {
        for (size_t i = 0; i < 4; ++i)
          said.bytes[at + i] = static_cast<char>(stream >> (24 - 8 * i));
      }
      say(said.direction, said.bytes);
    }
  }
  if (sink.records - before != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("other records than expected");
  }
  state.SetItemsProcessed(static_cast<int64_t>(sink.records - before));
}

// Literals go to the dynamic table with the first request; later ones refer to them.
std::string Http2Literal(std::string_view name, std::string_view value) {
  std::string field("\x40");
  field.push_back(static_cast<char>(name.size()));
  field.append(name).push_back(static_cast<char>(value.size()));
  return field.append(value);
}

// As a browser asks: what it always sends is in the table, the path is not.
void Http2Get(benchmark::State& state) {
  const std::string fields = Http2Literal("user-agent", std::string(80, 'x')) +
                             Http2Literal("accept", "text/html,application/xhtml+xml") +
                             Http2Literal("accept-language", "en-US,en;q=0.5") +
                             Http2Literal("cookie", "session=0123456789abcdef0123456789abcdef");
  const std::string path("\x82\x86\x04\x1d/shop/item/4711?ref=mail&s=abc", 33);
  const std::string type = Http2Literal("content-type", "text/html; charset=utf-8");
  const std::string length("\x0f\x0d\x04\x31\x30\x30\x30", 7);
  const std::string head = Http2Frame(1, 4, "\x88\xbe" + length);
  RunHttp2(state,
           {{kOut, Http2Frame(1, 5, path + fields)},
            {kIn, Http2Frame(4, 0, "") + Http2Frame(1, 5, "\x88" + type)}},
           {{kOut, Http2Frame(1, 5, path + "\xc1\xc0\xbf\xbe"), {5}},
            {kIn, head + Http2Frame(0, 1, std::string(1000, 'x')), {5, head.size() + 5}}});
}

// As gRPC's clients and servers do from the second call on.
void GrpcUnary(benchmark::State& state) {
  const std::string fields =
      Http2Literal(":path", "/shop.v1.Orders/Get") + Http2Literal(":authority", "orders:50051") +
      Http2Literal("content-type", "application/grpc") + Http2Literal("te", "trailers") +
      Http2Literal("user-agent", "grpc-c++");
  const std::string message("\0\0\0\0\x14", 5);
  const std::string body = message + std::string(20, 'x');
  const std::string request = Http2Frame(1, 4, "\x83\x86\xc2\xc1\xc0\xbf\xbe");
  const std::string response = Http2Frame(1, 4, "\x88\xbf");
  const std::string data = Http2Frame(0, 0, body);
  RunHttp2(state,
           {{kOut, Http2Frame(1, 4, "\x83\x86" + fields) + Http2Frame(0, 1, body)},
            {kIn, Http2Frame(4, 0, "") +
                      Http2Frame(1, 4, "\x88" + Http2Literal("content-type", "application/grpc")) +
                      data + Http2Frame(1, 5, Http2Literal("grpc-status", "0"))}},
           {{kOut, request + Http2Frame(0, 1, body), {5, request.size() + 5}},
            {kIn,
             response + data + Http2Frame(1, 5, "\xbe"),
             {5, response.size() + 5, response.size() + data.size() + 5}}});
}

void Redis(benchmark::State& state) {
  Run(state, 6379, {},
      {{kOut, "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000012345\r\n"}, {kIn, "$3\r\nxxx\r\n"}}, 1);
}

void RedisPipelined(benchmark::State& state) {
  std::string requests, responses;
  for (int i = 0; i < 16; ++i) {
    requests += "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000012345\r\n$3\r\nxxx\r\n";
    responses += "+OK\r\n";
  }
  Run(state, 6379, {}, {{kOut, requests}, {kIn, responses}}, 16);
}

std::string PostgresMessage(char type, std::string_view body) {
  std::string message(1, type);
  const auto size = static_cast<uint32_t>(body.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) message.push_back(static_cast<char>(size >> shift));
  return message.append(body);
}

const std::vector<Said>& PostgresStart() {
  static const std::vector<Said> start = {
      {kOut, std::string("\0\0\0\x11\0\3\0\0user\0me\0\0", 17)},
      {kIn, PostgresMessage('R', std::string(4, '\0')) + PostgresMessage('Z', "I")}};
  return start;
}

const std::string& PostgresRows() {
  static const std::string rows = PostgresMessage('T', std::string(60, 'x')) +
                                  PostgresMessage('D', std::string(40, 'x')) +
                                  PostgresMessage('C', std::string("SELECT 1\0", 9));
  return rows;
}

constexpr std::string_view kSql =
    "SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE "
    "o.customer_id = 4711 AND o.state IN ('open', 'paid', 'sent') ORDER BY o.created_at DESC LIMIT "
    "20";

void PostgresSimple(benchmark::State& state) {
  Run(state, 5432, PostgresStart(),
      {{kOut, PostgresMessage('Q', std::string(kSql) + '\0')},
       {kIn, PostgresRows() + PostgresMessage('Z', "I")}},
      1);
}

void PostgresPrepared(benchmark::State& state) {
  std::vector<Said> begin = PostgresStart();
  begin.push_back({kOut, PostgresMessage('P', std::string("s1\0", 3) + std::string(kSql) +
                                                  std::string(3, '\0')) +
                             PostgresMessage('S', "")});
  begin.push_back({kIn, PostgresMessage('1', "") + PostgresMessage('Z', "I")});
  Run(state, 5432, begin,
      {{kOut, PostgresMessage('B', std::string("\0s1\0\0\0\0\1\0\0\0\4\0\0\x12\x67\0\0", 18)) +
                  PostgresMessage('D', std::string("P\0", 2)) +
                  PostgresMessage('E', std::string(5, '\0')) + PostgresMessage('S', "")},
       {kIn, PostgresMessage('2', "") + PostgresRows() + PostgresMessage('Z', "I")}},
      1);
}

std::string MysqlPacket(uint8_t number, std::string_view body) {
  std::string packet;
  for (int shift = 0; shift < 24; shift += 8)
    packet.push_back(static_cast<char>(body.size() >> shift));
  packet.push_back(static_cast<char>(number));
  return packet.append(body);
}

void MysqlText(benchmark::State& state) {
  const std::string eof("\xfe\0\0\2\0", 5);
  Run(state, 3306,
      {{kIn, MysqlPacket(0, std::string("\n8.0.36\0", 8) + std::string(60, '\1'))},
       {kOut, MysqlPacket(1, std::string("\1\xa2\3\0", 4) + std::string(60, '\0'))},
       {kIn, MysqlPacket(2, std::string("\0\0\0\2\0\0\0", 7))}},
      {{kOut, MysqlPacket(0, "\3" + std::string(kSql))},
       {kIn, MysqlPacket(1, "\2") + MysqlPacket(2, std::string(40, '\3')) +
                 MysqlPacket(3, std::string(40, '\3')) + MysqlPacket(4, eof) +
                 MysqlPacket(5, std::string(30, '\3')) + MysqlPacket(6, eof)}},
      1);
}

void Dns(benchmark::State& state) {
  const std::string question("\4shop\7default\3svc\7cluster\5local\0\0\1\0\1", 36);
  CountingSink sink;
  base::Shard shard({}, sink);
  ParserPool parsers;
  Connection connection(shard, parsers);
  connection.Begin({.transport = base::Transport::kUdp, .remote_port = 53});
  const std::string query = std::string("\x12\x34\1\0\0\1\0\0\0\0\0\0", 12) + question;
  const std::string answer = std::string("\x12\x34\x85\x80\0\1\0\1\0\0\0\0", 12) + question +
                             std::string("\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\7", 16);
  uint64_t sent = 0, received = 0;
  for (auto _ : state) {
    connection.Push({.direction = kOut, .offset = sent, .ts_ns = 1, .bytes = query});
    connection.Push({.direction = kIn, .offset = received, .ts_ns = 2, .bytes = answer});
    sent += query.size();
    received += answer.size();
  }
  if (sink.records != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("other records than expected");
  }
  state.SetItemsProcessed(static_cast<int64_t>(sink.records));
}

BENCHMARK(Http1KeepAlive);
BENCHMARK(Http1Small);
BENCHMARK(Http2Get);
BENCHMARK(GrpcUnary);
BENCHMARK(Redis);
BENCHMARK(RedisPipelined);
BENCHMARK(PostgresSimple);
BENCHMARK(PostgresPrepared);
BENCHMARK(MysqlText);
BENCHMARK(Dns);

}  // namespace

BENCHMARK_MAIN();
