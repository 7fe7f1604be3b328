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
BENCHMARK(Redis);
BENCHMARK(RedisPipelined);
BENCHMARK(PostgresSimple);
BENCHMARK(PostgresPrepared);
BENCHMARK(MysqlText);
BENCHMARK(Dns);

}  // namespace

BENCHMARK_MAIN();
