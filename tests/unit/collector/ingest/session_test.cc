// What the service answers to agents that keep to the protocol and to those that do not.
#include <cstring>
#include <map>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "collector/ingest/refusal.h"
#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"
#include "pipeline.h"

namespace leadline::collector::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// A client that sends whatever bytes it is told to.
class RawAgent {
 public:
  explicit RawAgent(int port)
      : stub_(grpc::CreateChannel(fmt::format("127.0.0.1:{}", port),
                                  grpc::InsecureChannelCredentials())) {
    call_ = stub_.PrepareCall(&context_, "/leadline.v1.Ingest/Stream", &queue_);
    call_->StartCall(nullptr);
    Complete();
  }
  ~RawAgent() {
    context_.TryCancel();
    if (!finished_) Finish();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  bool SendBytes(const std::string& bytes) {
    grpc::Slice slice(bytes);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    return Complete();
  }
  bool Send(const std::string& text) {
    v1::AgentMessage message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    return SendBytes(message.SerializeAsString());
  }
  // The next message as text; "" when the stream has ended.
  std::string Receive() {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    if (!Complete()) return "";
    grpc::Slice slice;
    EXPECT_TRUE(buffer.DumpToSingleSlice(&slice).ok());
    v1::CollectorMessage message;
    EXPECT_TRUE(message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
    return message.ShortDebugString();
  }
  void CloseSending() {
    call_->WritesDone(nullptr);
    Complete();
  }
  // Everything that is left to receive, and the stream's status.
  grpc::Status End() {
    while (!Receive().empty()) {
    }
    return Finish();
  }

 private:
  bool Complete() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Complete();
    finished_ = true;
    return status;
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool finished_ = false;
};

constexpr const char* kHello =
    "hello { protocol_version: 1 agent_id: '0123456789abcdef' epoch: 3 instance: 9 }";
constexpr const char* kDefinitions =
    "definitions { strings: 'm' "
    "  entities { id: 'fedcba9876543210' kind: ENTITY_KIND_POD } series { metric: 1 } }";

std::string BatchText(uint64_t sequence, const std::string& more = "") {
  return fmt::format(
      "batch {{ sequence: {} {} frames {{ timestamp_unix_ms: {} "
      "integer_series: 0 integers: {} }} }}",
      sequence, more, kNowMs + static_cast<int64_t>(sequence), sequence);
}

v1::AgentMessage Message(const std::string& text) {
  v1::AgentMessage message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::string Wrapped(const std::string& piece) {
  v1::AgentMessage message;
  message.set_compressed(piece);
  return message.SerializeAsString();
}

// The first piece of a stream, to be sent as it is.
std::string Compressed(const std::string& contents, int window_log = 16) {
  return "bytes:" + Wrapped(*zstd::Compressor(1, window_log).Flush(contents));
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    collector_.options.max_batch_bytes = 1 << 20;
    collector_.Start();
  }
  ~SessionTest() override { EXPECT_THAT(store_.complaints(), IsEmpty()); }

  FakeStore store_;
  TestCollector collector_{&store_};
  const store::WriterId writer_{*Id128::FromBytes("0123456789abcdef"), 3};
};

TEST_F(SessionTest, AcknowledgesABatchAndASecondCopyOfIt) {
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  EXPECT_EQ(agent.Receive(),
            "welcome { protocol_version: 1 collector_version: \"test\" max_message_bytes: 1048576 "
            "max_batches_in_flight: 16 zstd_window_log: 16 }");
  agent.Send(kDefinitions);
  agent.Send(BatchText(1));
  EXPECT_EQ(agent.Receive(), "ack { sequence: 1 }");
  agent.Send(BatchText(1));
  EXPECT_EQ(agent.Receive(), "ack { sequence: 1 }");
  agent.Send(BatchText(2));
  EXPECT_EQ(agent.Receive(), "ack { sequence: 2 }");
  agent.CloseSending();
  EXPECT_TRUE(agent.End().ok());
  EXPECT_THAT(store_.sequences(writer_), ElementsAre(1, 2));
  EXPECT_EQ(collector_.Metric("duplicate_batches_total"), 1);
}

TEST_F(SessionTest, TakesCompressedMessagesAmongOthers) {
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  zstd::Compressor stream(1, 16);
  const auto compressed = [&](const std::string& text) {
    return agent.SendBytes(Wrapped(*stream.Flush(Message(text).SerializeAsString())));
  };
  compressed(kDefinitions);
  compressed(BatchText(1));
  agent.Send(BatchText(2));
  compressed(BatchText(3));
  agent.CloseSending();
  std::string last;
  for (std::string ack; !(ack = agent.Receive()).empty();) last = ack;
  EXPECT_EQ(last, "ack { sequence: 3 }");
  EXPECT_TRUE(agent.End().ok());
  EXPECT_THAT(store_.sequences(writer_), ElementsAre(1, 2, 3));
}

TEST_F(SessionTest, ASeriesThatIsRefusedIsLeftOutAndAskedForAgain) {
  store_.RefuseSeries("m");
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(
      "definitions { strings: 'm' strings: 'n' entities { id: 'fedcba9876543210' kind: "
      "ENTITY_KIND_POD } series { metric: 1 } series { ref: 1 metric: 2 } }");
  const auto send = [&](uint64_t sequence) {
    agent.Send(
        fmt::format("batch {{ sequence: {} frames {{ timestamp_unix_ms: {} integer_series: "
                    "[0, 1] integers: [{}, {}] }} }}",
                    sequence, kNowMs + static_cast<int64_t>(sequence), sequence, sequence));
    EXPECT_EQ(agent.Receive(), fmt::format("ack {{ sequence: {} }}", sequence));
  };
  send(1);
  store_.RefuseSeries("none");
  send(2);  // too early to ask again
  collector_.clock().AdvanceMs(10'000);
  send(3);
  std::map<std::string, size_t> counts;
  for (const auto& [name, samples] : store_.samples()) counts[name.substr(0, 1)] = samples.size();
  EXPECT_THAT(counts, ElementsAre(testing::Pair("m", 1), testing::Pair("n", 3)));
}

TEST_F(SessionTest, ARefusedRefThatIsDefinedAnewIsWhatItIsNow) {
  store_.RefuseSeries("m");
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  agent.Send("definitions { strings: 'n' series { metric: 1 } }");
  store_.RefuseSeries("none");
  collector_.clock().AdvanceMs(10'000);
  agent.Send(BatchText(1));
  EXPECT_EQ(agent.Receive(), "ack { sequence: 1 }");
  ASSERT_EQ(store_.samples().size(), 1u);
  EXPECT_EQ(store_.samples().begin()->first.front(), 'n');
}

TEST_F(SessionTest, ATenantThatIsOverItsRateIsToComeAgain) {
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  store_.AdmitWith(absl::ResourceExhaustedError("tenant default has written enough"));
  agent.Send(BatchText(1));
  const grpc::Status end = agent.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(end.error_message(), "tenant default has written enough");
  EXPECT_EQ(collector_.Metric("refusals_total", "tenant"), 1);
  EXPECT_THAT(store_.sequences(writer_), IsEmpty());
}

TEST_F(SessionTest, TakesNoCompressedMessageWhereItSaysSo) {
  collector_.Kill();
  collector_.options.zstd_window_log = 0;
  collector_.Start();
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  EXPECT_THAT(agent.Receive(), Not(HasSubstr("zstd")));
  agent.SendBytes(Wrapped("piece"));
  const grpc::Status status = agent.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("which the Welcome did not allow"));
}

TEST_F(SessionTest, AcknowledgesManyBatchesAtOnce) {
  store_.Hold(true);
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  for (int i = 1; i <= 5; ++i) agent.Send(BatchText(i));
  agent.CloseSending();
  store_.AwaitHeld(5);
  store_.Commit(5);
  std::string last;
  for (std::string ack; !(ack = agent.Receive()).empty();) last = ack;
  EXPECT_EQ(last, "ack { sequence: 5 }");
  EXPECT_TRUE(agent.End().ok());
}

TEST_F(SessionTest, TellsANewSessionWhereToGoOn) {
  {
    RawAgent agent(collector_.proxy().port());
    agent.Send(kHello);
    agent.Receive();
    agent.Send(kDefinitions);
    agent.Send(BatchText(1));
    agent.Receive();
  }
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  EXPECT_THAT(agent.Receive(), HasSubstr("durable_sequence: 1"));
  // Definitions were the old session's.
  agent.Send(BatchText(2));
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// An agent that does not keep to the window is not read, and so does not fill the memory.
TEST_F(SessionTest, StopsReadingAtTheWindow) {
  store_.Hold(true);
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  const uint32_t window = collector_.options.max_batches_in_flight;
  for (uint32_t i = 1; i <= window + 5; ++i) agent.Send(BatchText(i));
  store_.AwaitHeld(window);
  ASSERT_TRUE(Eventually([&] { return collector_.Metric("stalls_total") == 1; }));
  EXPECT_EQ(store_.held(), window);
  EXPECT_EQ(collector_.Metric("batches_total"), window);
  store_.Hold(false);
  store_.AwaitCommitted(window + 5);
}

TEST_F(SessionTest, StopsReadingAtTheBytesInFlight) {
  collector_.Kill();
  collector_.options.max_bytes_in_flight = 1;
  collector_.Start();
  store_.Hold(true);
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  agent.Send(BatchText(1));
  agent.Send(BatchText(2));
  ASSERT_TRUE(Eventually([&] { return collector_.Metric("stalls_total") == 1; }));
  EXPECT_EQ(store_.held(), 1);
  store_.Commit(1);
  EXPECT_EQ(agent.Receive(), "ack { sequence: 1 }");
  store_.Commit(1);
  EXPECT_EQ(agent.Receive(), "ack { sequence: 2 }");
}

struct BadCase {
  const char* name;
  std::vector<std::string> messages;  // text, or bytes after "bytes:"
  grpc::StatusCode code;
  Reason reason;
  const char* text;
};

class BadSession : public SessionTest, public testing::WithParamInterface<BadCase> {};

TEST_P(BadSession, IsEndedWithTheReason) {
  const BadCase& c = GetParam();
  RawAgent agent(collector_.proxy().port());
  for (const std::string& message : c.messages) {
    if (message.starts_with("bytes:")) {
      agent.SendBytes(message.substr(std::strlen("bytes:")));
    } else {
      agent.Send(message);
    }
  }
  const grpc::Status status = agent.End();
  EXPECT_EQ(status.error_code(), c.code) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr(c.text));
  EXPECT_EQ(collector_.Metric("refusals_total", kReasonNames[static_cast<size_t>(c.reason)]), 1);
  EXPECT_TRUE(Eventually([&] { return collector_.Metric("sessions") == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadSession,
    testing::Values(BadCase{"not_protobuf",
                            {"bytes:\xff\xff\xff"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "3 bytes that are not an AgentMessage"},
                    BadCase{"not_protobuf_later",
                            {kHello, "bytes:\x12\x7f"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "2 bytes that are not an AgentMessage"},
                    BadCase{"empty",
                            {"bytes:"},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "the first message is no Hello"},
                    BadCase{"too_large",
                            {kHello, "bytes:" + std::string((1 << 20) + 1, 'x')},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kTooLarge,
                            "a message of 1048577 bytes, at most 1048576 are taken"},
                    BadCase{"compressed_first",
                            {Compressed(Message(kHello).SerializeAsString())},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "the first message is no Hello"},
                    BadCase{"compressed_hello",
                            {kHello, Compressed(Message(kHello).SerializeAsString())},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "a second Hello"},
                    BadCase{"compressed_twice",
                            {kHello, Compressed(Wrapped("piece"))},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "it holds another compressed message"},
                    BadCase{"compressed_garbage",
                            {kHello, "bytes:" + Wrapped("neither fish nor fowl")},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "compressed: zstd: "},
                    BadCase{"compressed_no_message",
                            {kHello, Compressed("\xff\xff\xff")},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "compressed: 3 bytes that are not an AgentMessage"},
                    BadCase{"compressed_bomb",
                            {kHello, Compressed(std::string((1 << 20) + 1, 'x'))},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kTooLarge,
                            "compressed: zstd: a piece of more than 1048576 bytes"},
                    BadCase{"compressed_window",
                            {kHello, Compressed(std::string(100, 'x'), 20)},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kMalformed,
                            "compressed: zstd: "},
                    BadCase{"batch_first",
                            {BatchText(1)},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "the first message is no Hello"},
                    BadCase{"hello_twice",
                            {kHello, kHello},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "a second Hello"},
                    BadCase{"version",
                            {"hello { protocol_version: 2 agent_id: '0123456789abcdef' epoch: 1 }"},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kVersion,
                            "the agent speaks protocol version 2, this collector 1"},
                    BadCase{"agent_id_short",
                            {"hello { protocol_version: 1 agent_id: 'short' epoch: 1 }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kIdentity,
                            "agent_id has 5 bytes"},
                    BadCase{"node_too_long",
                            {"hello { protocol_version: 1 agent_id: '0123456789abcdef' epoch: 1 "
                             "node: '" +
                             std::string(513, 'n') + "' }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kText,
                            "node has 513 bytes, at most 512 are taken"},
                    BadCase{"epoch_missing",
                            {"hello { protocol_version: 1 agent_id: '0123456789abcdef' }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kIdentity,
                            "must not be 0"},
                    BadCase{"sequence_missing",
                            {kHello, kDefinitions, BatchText(0)},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kSequence,
                            "without a sequence"},
                    BadCase{"sequence_gap",
                            {kHello, kDefinitions, BatchText(1), BatchText(3)},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kSequence,
                            "batch 3 with 0 lost before it comes after batch 1"},
                    BadCase{"lost_too_many",
                            {kHello, kDefinitions, BatchText(3, "lost_batches: 3")},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kSequence,
                            "3 lost before it"},
                    BadCase{"lost_too_few",
                            {kHello, kDefinitions, BatchText(3, "lost_batches: 1")},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kSequence,
                            "1 lost before it"},
                    BadCase{"series_not_defined",
                            {kHello, BatchText(1)},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kUnknownRef,
                            "batch 1: frame at 1700000000001 ms: integer_series has series 0"},
                    BadCase{"definition_bad",
                            {kHello, "definitions { entities { id: 'x' } }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kEntity,
                            "id has 1 bytes"},
                    BadCase{"peer_no_address",
                            {kHello, "peer_questions { asked { address: '1234' port: 80 } }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kPeer,
                            "peer_questions: asked: an address has 4 bytes, not 16"},
                    BadCase{"peer_no_port",
                            {kHello,
                             "peer_questions { forgotten { address: '0123456789abcdef' "
                             "port: 65536 } }"},
                            grpc::StatusCode::INVALID_ARGUMENT,
                            Reason::kPeer,
                            "peer_questions: forgotten: 65536 is no port"},
                    BadCase{"peer_before_hello",
                            {"peer_questions { }"},
                            grpc::StatusCode::FAILED_PRECONDITION,
                            Reason::kOutOfOrder,
                            "the first message is no Hello"}),
    [](const auto& test) { return std::string(test.param.name); });

// What came before the bad message is kept and acknowledged.
TEST_F(SessionTest, AcknowledgesWhatIsDurableBeforeItRefuses) {
  RawAgent agent(collector_.proxy().port());
  agent.Send(kHello);
  agent.Receive();
  agent.Send(kDefinitions);
  store_.Hold(true);
  agent.Send(BatchText(1));
  agent.Send(BatchText(7));
  store_.AwaitHeld(1);
  store_.Commit(1);
  EXPECT_EQ(agent.Receive(), "ack { sequence: 1 }");
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST(IngestServer, SaysWhenItCannotListen) {
  FakeStore store;
  prometheus::Registry registry;
  IngestOptions options;
  options.store = &store;
  options.registry = &registry;
  options.clock = &SystemClock();
  options.address = "127.0.0.1:0";
  const auto first = IngestServer::Start(options);
  ASSERT_TRUE(first.ok());
  prometheus::Registry second_registry;
  options.registry = &second_registry;
  options.address = fmt::format("127.0.0.1:{}", (*first)->port());
  const auto second = IngestServer::Start(options);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(options.address));
}

}  // namespace
}  // namespace leadline::collector::ingest
