#include "agent/protocols/detector.h"

#include <string>

#include <gtest/gtest.h>

namespace leadline::agent::protocols {
namespace {

using base::Direction;
using base::Protocol;
using Answer = Detected::Answer;

constexpr uint16_t kNobodysPort = 19;

std::string Frame(size_t length, uint8_t type, uint8_t flags, uint32_t stream,
                  const std::string& payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(length >> shift));
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(flags));
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(stream >> shift));
  return out + payload;
}
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  return Frame(payload.size(), type, flags, stream, payload);
}

const std::string kGetByHpack("\x82\x84\x86", 3);
const std::string kStatus("\x88\xc0", 2);

// A late-joined connection on a port that says nothing.
class Http2DetectTest : public testing::Test {
 protected:
  Detected Say(Direction direction, const std::string& bytes, size_t more = 0) {
    return Detect(
        {.bytes = bytes, .total = bytes.size() + more, .direction = direction, .first = false},
        {.joined_late = true, .local_port = kNobodysPort, .remote_port = kNobodysPort}, evidence_);
  }
  Detected Out(const std::string& bytes, size_t more = 0) {
    return Say(Direction::kEgress, bytes, more);
  }
  Detected In(const std::string& bytes, size_t more = 0) {
    return Say(Direction::kIngress, bytes, more);
  }

  Evidence evidence_;
};

TEST_F(Http2DetectTest, ByAPreface) {
  const Detected found = In("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  EXPECT_EQ(found.protocol, Protocol::kHttp2);
  EXPECT_EQ(found.requests, Direction::kIngress);
  EXPECT_EQ(Out("PRI * HTTP/2").answer, Answer::kMore);
}

TEST_F(Http2DetectTest, ByARequestAndItsResponse) {
  EXPECT_EQ(Out(Frame(1, 5, 7, kGetByHpack)).answer, Answer::kMore);
  const Detected found = In(Frame(1, 4, 7, kStatus) + Frame(0, 1, 7, "body"));
  EXPECT_EQ(found.answer, Answer::kFound);
  EXPECT_EQ(found.protocol, Protocol::kHttp2);
  EXPECT_EQ(found.requests, Direction::kEgress);
}

TEST_F(Http2DetectTest, ByFramesThatTellNoSideAndOnesThatDo) {
  EXPECT_EQ(Out(Frame(6, 0, 0, std::string(8, '\0'))).answer, Answer::kEither);
  EXPECT_EQ(In(Frame(6, 1, 0, std::string(8, '\0'))).answer, Answer::kEither);
  // All fields are in the dynamic table.
  EXPECT_EQ(Out(Frame(1, 5, 9, "\xc0\xbf")).answer, Answer::kEither);
  const Detected found = In(Frame(1, 4, 9, kStatus));
  EXPECT_EQ(found.answer, Answer::kFound);
  EXPECT_EQ(found.requests, Direction::kEgress);
}

TEST_F(Http2DetectTest, ByTheSideThatSpokeFirst) {
  EXPECT_EQ(In(Frame(1, 4, 9, kStatus)).answer, Answer::kMore);
  const Detected found = Out(Frame(8, 0, 0, std::string("\0\0\1\0", 4)));
  EXPECT_EQ(found.answer, Answer::kFound);
  EXPECT_EQ(found.requests, Direction::kEgress);
}

// What is no HTTP/2 for one reason each.
TEST_F(Http2DetectTest, NotByWhatIsNoFrame) {
  const std::string none[] = {
      Frame(1, 5, 8, kGetByHpack),                       // a stream of the server's
      Frame(1, 5, 0, kGetByHpack),                       // no stream
      Frame(1, 0x45, 7, kGetByHpack),                    // a flag that there is not
      Frame(1, 5, 0x80000007, kGetByHpack),              // a bit that is none of the stream's
      Frame(17, 0, 7, kGetByHpack),                      // a type that there is not
      Frame(3, 0, 7, std::string(5, '\0')),              // RST_STREAM has four bytes
      Frame(4, 0, 0, std::string(7, '\0')),              // SETTINGS have six each
      Frame(4, 1, 0, std::string(6, '\0')),              // an acknowledgement has none
      Frame(6, 0, 1, std::string(8, '\0')),              // a PING has no stream
      Frame(500, 0, 0, 7, "a part of a body"),           // one frame that is longer than the write
      Frame(4, 0, 0, 7, "more than a frame, and none"),  // the next is none
      Frame(1, 4, 7, kStatus) + "HTTP/1.1 ",
      std::string("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18),
      std::string(32, '\1'),
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "",
  };
  for (const std::string& bytes : none) {
    const Answer answer = Out(bytes).answer;
    EXPECT_TRUE(answer == Answer::kNo || answer == Answer::kMore ||
                Out(bytes).protocol == Protocol::kHttp1)
        << testing::PrintToString(bytes);
    EXPECT_EQ(evidence_.requests[0] >> static_cast<int>(Protocol::kHttp2) & 1, 0u)
        << testing::PrintToString(bytes);
    EXPECT_EQ(evidence_.either[0] >> static_cast<int>(Protocol::kHttp2) & 1, 0u)
        << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace leadline::agent::protocols
