// What a connection does with HTTP/2 beyond its records, which goldens hold.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/protocols/connection.h"
#include "tests/unit/agent/protocols/connection_fixture.h"

namespace leadline::agent::protocols {
namespace {

using base::Direction;
using base::Loss;
using base::Protocol;

class KeepingSink : public base::RecordSink {
 public:
  void OnRequest(const base::RequestRecord& record) override {
    records.push_back(std::string(record.target) + " " + std::string(record.status) +
                      std::string(record.error));
  }
  std::vector<std::string> records;
};

class Http2ConnectionTest : public ConnectionFixture<KeepingSink> {
 protected:
  Http2ConnectionTest() : ConnectionFixture({.streams = 16}) {}

  void Begin() {
    ConnectionFixture::Begin();
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(4, 0, 0, ""));
    Receive(Frame(4, 0, 0, ""));
  }
  uint64_t Lost(Loss loss) const { return shard_.counters().Get(Protocol::kHttp2, loss); }

  static std::string Frame(char type, char flags, uint32_t stream, std::string_view payload,
                           size_t more = 0) {
    std::string out;
    for (const int shift : {16, 8, 0}) {
      out.push_back(static_cast<char>((payload.size() + more) >> shift));
    }
    out += type;
    out += flags;
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
    return out.append(payload);
  }
  static std::string Get(uint32_t stream) {
    return Frame(1, 5, stream, std::string("\x82\x86\x04\x02/a", 6));
  }
};

TEST_F(Http2ConnectionTest, WantsNoBodies) {
  Begin();
  Send(Get(1));
  Receive(Frame(1, 4, 1, "\x88") + Frame(0, 1, 1, "begin", 9000), 100);
  EXPECT_EQ(connection_.want(Direction::kIngress).offset, offsets_[1] + 8900);
  Receive("", 8900);
  EXPECT_THAT(sink_.records, testing::ElementsAre("/a 200"));
}

TEST_F(Http2ConnectionTest, OpenStreamsAreBounded) {
  Begin();
  for (uint32_t i = 0; i < limits_.streams + 5; ++i) Send(Get(2 * i + 1));
  EXPECT_EQ(Lost(Loss::kStreamsFull), 5);
  for (uint32_t i = 0; i < limits_.streams + 5; ++i) Receive(Frame(1, 5, 2 * i + 1, "\x88"));
  EXPECT_EQ(sink_.records.size(), limits_.streams);
  EXPECT_EQ(Lost(Loss::kNoRequest), 5 * 10);
}

// Responses that no request comes for make room for requests.
TEST_F(Http2ConnectionTest, HeldResponsesAreBounded) {
  Begin();
  for (uint32_t i = 0; i < 3 * limits_.streams; ++i) Receive(Frame(1, 4, 2 * i + 101, "\x88"));
  Send(Get(1));
  Receive(Frame(1, 5, 1, "\x88"));
  EXPECT_THAT(sink_.records, testing::ElementsAre("/a 200"));
  EXPECT_GT(Lost(Loss::kNoRequest), 0u);
  now_ns_ += limits_.wait_ns;
  connection_.Tick(now_ns_);
  EXPECT_EQ(Lost(Loss::kNoRequest), 3 * limits_.streams * 10);
}

TEST_F(Http2ConnectionTest, AHeadIsBounded) {
  Begin();
  const std::string field = std::string("\x00\x01x\x7f\x21", 5) + std::string(160, 'x');
  Send(Frame(1, 1, 1, std::string("\x82\x86\x04\x02/a", 6)));
  for (size_t sent = 0; sent < 4 * limits_.header_block_bytes; sent += field.size()) {
    Send(Frame(9, 0, 1, field));
  }
  Send(Frame(9, 4, 1, ""));
  Receive(Frame(1, 5, 1, "\x88"));
  EXPECT_THAT(sink_.records, testing::ElementsAre("/a 200"));
  Send(Get(3));
  Receive(Frame(1, 5, 3, "\x88"));
  EXPECT_EQ(sink_.records.size(), 2u);
}

TEST_F(Http2ConnectionTest, AnUpgradeThatIsNotAnsweredIsCounted) {
  connection_.Begin({.id = 1, .remote_port = 80});
  Send("GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
  Receive("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
  connection_.Close({.ts_ns = ++now_ns_});
  EXPECT_THAT(sink_.records, testing::IsEmpty());
  EXPECT_EQ(shard_.counters().Get(Protocol::kUnknown, Loss::kResponseLost), 1);
}

}  // namespace
}  // namespace leadline::agent::protocols
