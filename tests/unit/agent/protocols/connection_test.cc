#include "agent/protocols/connection.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/protocols/connection_fixture.h"

namespace leadline::agent::protocols {
namespace {

using base::Direction;
using base::Loss;
using base::Protocol;

class CountingSink : public base::RecordSink {
 public:
  void OnRequest(const base::RequestRecord& record) override {
    routes.emplace_back(record.target);
    connections.push_back(record.connection);
  }
  std::vector<std::string> routes;
  std::vector<uint64_t> connections;
};

class ConnectionTest : public ConnectionFixture<CountingSink> {
 protected:
  ConnectionTest() : ConnectionFixture({.buffer_bytes = 16384, .pool_bytes = 65536}) {}

  uint64_t Lost(Protocol protocol, Loss loss) const {
    return shard_.counters().Get(protocol, loss);
  }
};

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";

TEST_F(ConnectionTest, SaysWhatItWants) {
  Begin();
  Send(kGet);
  Receive(kOk, 100);
  // The body is of no interest, what comes behind it is.
  EXPECT_EQ(connection_.want(Direction::kIngress).what, Want::What::kBytes);
  EXPECT_EQ(connection_.want(Direction::kIngress).offset, kOk.size() + 1000);
  EXPECT_EQ(connection_.want(Direction::kEgress).offset, kGet.size());
  Receive("", 900);
  EXPECT_EQ(connection_.want(Direction::kIngress).offset, kOk.size() + 1000);
  EXPECT_THAT(sink_.routes, testing::ElementsAre("/a"));
}

TEST_F(ConnectionTest, IsSwitchedOffForWhatIsNotKnown) {
  Begin();
  Send("SSH-2.0-OpenSSH_9.2p1\r\n");
  EXPECT_EQ(connection_.want(Direction::kEgress).what, Want::What::kBytes);
  Receive("SSH-2.0-OpenSSH_9.2p1\r\n");
  EXPECT_EQ(connection_.want(Direction::kEgress).what, Want::What::kNothing);
  EXPECT_EQ(Lost(Protocol::kUnknown, Loss::kUndetected), 1u);
  Begin();
  Send(std::string_view("\x16\x03\x01\x02\x00", 5));
  EXPECT_EQ(connection_.want(Direction::kEgress).what, Want::What::kNothing);
  EXPECT_EQ(Lost(Protocol::kUnknown, Loss::kEncrypted), 1u);
}

TEST_F(ConnectionTest, CountsWhatItPassesOverBeforeAProtocolIsFound) {
  base::ConnectionInfo info{.id = 1, .remote_port = 80};
  info.joined_late = true;
  connection_.Begin(info);
  Send("the rest of a body", 100);
  EXPECT_EQ(Lost(Protocol::kUnknown, Loss::kUnsynchronised), 18);
  EXPECT_EQ(Lost(Protocol::kUnknown, Loss::kGapUncaptured), 100);
  // Where exchanges begin has to show first.
  for (int i = 0; i < 8; ++i) {
    Send(kGet);
    Receive(kOk, 1000);
  }
  EXPECT_FALSE(sink_.routes.empty());
  EXPECT_EQ(Lost(Protocol::kUnknown, Loss::kUnsynchronised), 18);
}

TEST_F(ConnectionTest, GivesUpWhatKeepsBeingInvalid) {
  Begin();
  Send(kGet);
  Receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  for (int i = 0; i < 50; ++i) {
    Send("rubbish \r\n");
    Receive("rubbish \r\n");
  }
  EXPECT_EQ(connection_.want(Direction::kEgress).what, Want::What::kNothing);
  EXPECT_EQ(Lost(Protocol::kHttp1, Loss::kInvalid), 1u);
  EXPECT_GT(Lost(Protocol::kHttp1, Loss::kInvalidMessage), 1u);
}

TEST_F(ConnectionTest, ServesOneAfterAnother) {
  for (uint64_t id = 1; id <= 3; ++id) {
    Begin(id);
    Send(kGet);
    Receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    connection_.Close({.ts_ns = ++now_ns_});
  }
  EXPECT_THAT(sink_.connections, testing::ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(shard_.counters().of(Protocol::kHttp1).connections, 3u);
}

TEST_F(ConnectionTest, DropsWhatComesTwiceOrLate) {
  Begin();
  Send(kGet);
  connection_.Push({.direction = Direction::kEgress, .offset = 0, .ts_ns = 9, .bytes = kGet});
  // The second half of it is new.
  const std::string both = std::string(kGet.substr(10)) + std::string(kGet);
  connection_.Push({.direction = Direction::kEgress, .offset = 10, .ts_ns = 9, .bytes = both});
  offsets_[0] = 2 * kGet.size();
  Receive(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(sink_.routes.size(), 2u);
  EXPECT_EQ(Lost(Protocol::kHttp1, Loss::kLate), kGet.size() + kGet.size() - 10);
}

TEST_F(ConnectionTest, AResponseWaitsForItsRequest) {
  Begin();
  Send(kGet);
  Receive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  Receive("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(sink_.routes.size(), 1u);
  Send("GET /b HTTP/1.1\r\n\r\n");
  EXPECT_THAT(sink_.routes, testing::ElementsAre("/a", "/b"));
  // Not for ever.
  Receive("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  now_ns_ += limits_.wait_ns;
  connection_.Tick(now_ns_);
  EXPECT_GT(Lost(Protocol::kHttp1, Loss::kNoRequest), 0u);
}

TEST_F(ConnectionTest, BuffersOfAllConnectionsAreBounded) {
  std::vector<std::unique_ptr<Connection>> many;
  for (int i = 0; i < 100; ++i) {
    auto connection = std::make_unique<Connection>(shard_, parsers_);
    connection->Begin({.id = 1});
    const std::string head = "GET /a HTTP/1.1\r\nCookie: " + std::string(8000, 'x');
    connection->Push({.ts_ns = 1, .bytes = head});
    many.push_back(std::move(connection));
    EXPECT_LE(shard_.buffers().memory_bytes(), limits_.pool_bytes);
  }
  EXPECT_GT(Lost(Protocol::kHttp1, Loss::kPoolFull), 0u);
  many.clear();
  EXPECT_LE(shard_.buffers().memory_bytes(), limits_.pool_bytes);
}

TEST_F(ConnectionTest, RequestsOfOnePipelineAreBounded) {
  Begin();
  std::string pipeline;
  for (uint32_t i = 0; i < limits_.pending + 10; ++i) pipeline += "*1\r\n$4\r\nPING\r\n";
  Send(pipeline);
  EXPECT_GE(Lost(Protocol::kRedis, Loss::kPipelineFull), limits_.pending);
  EXPECT_LT(connection_.memory_bytes(), 512u << 10);
}

}  // namespace
}  // namespace leadline::agent::protocols
