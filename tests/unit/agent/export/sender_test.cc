// The sender against collectors that do not keep to the protocol. What it does with one that does
// is in tests/unit/collector/ingest.
#include "agent/export/sender.h"

#include <chrono>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "agent/export/batcher.h"
#include "agent/model/entity_id.h"
#include "common/mutex.h"
#include "leadline/v1/ingest.grpc.pb.h"

namespace leadline::agent {
namespace {

using testing::HasSubstr;

// Answers every message with the next of `answers` and remembers what the agent made of it.
class ScriptedCollector final : public v1::Ingest::Service {
 public:
  explicit ScriptedCollector(std::vector<std::string> answers) : answers_(std::move(answers)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedCollector() override { server_->Shutdown(std::chrono::system_clock::now()); }

  int port() const { return port_; }
  // The end of the first session, as the collector sees it.
  bool AwaitCancelled() {
    MutexLock lock(mutex_);
    while (sessions_ == 0) changed_.Wait(mutex_);
    return cancelled_;
  }
  std::vector<std::string> received() {
    MutexLock lock(mutex_);
    return received_;
  }

 private:
  grpc::Status Stream(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::CollectorMessage, v1::AgentMessage>* stream) override {
    v1::AgentMessage message;
    size_t next = 0;
    while (stream->Read(&message)) {
      {
        MutexLock lock(mutex_);
        received_.push_back(message.ShortDebugString());
      }
      if (next == answers_.size()) continue;
      v1::CollectorMessage answer;
      EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(answers_[next++], &answer));
      stream->Write(answer);
    }
    MutexLock lock(mutex_);
    ++sessions_;
    cancelled_ = context->IsCancelled();
    changed_.NotifyAll();
    return grpc::Status::OK;
  }

  const std::vector<std::string> answers_;
  int port_ = 0;
  Mutex mutex_;
  CondVar changed_;
  int sessions_ ABSL_GUARDED_BY(mutex_) = 0;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> received_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

class SenderTest : public testing::Test {
 protected:
  std::unique_ptr<Sender> Start(int port, size_t max_batch_bytes = 1 << 20) {
    SenderOptions options;
    options.collector = fmt::format("127.0.0.1:{}", port);
    options.agent_id = HashId({"agent"});
    options.epoch = 7;
    options.agent_version = "1.2";
    options.cluster = "c\xff";
    options.node = "n";
    options.handshake_timeout = absl::Milliseconds(300);
    options.backoff = {.initial = absl::Milliseconds(1), .max = absl::Milliseconds(5)};
    auto sender = *Sender::Start(options, registry_);
    Batcher batcher({.max_batch_bytes = max_batch_bytes}, registry_);
    Entity entity;
    entity.id = ContainerId("a");
    const EntityRef ref = batcher.DefineEntity(entity);
    batcher.BeginFrame(1000);
    for (int i = 0; i < 200'000; ++i) {
      const SeriesRef series = batcher.DefineSeries(catalogue::Metric::kContainerSyscalls, ref,
                                                    {{"syscall", std::to_string(i)}});
      batcher.Add(series, int64_t{1} << 62);
      if (max_batch_bytes <= 1 << 20) break;
    }
    sender->Submit(batcher.Seal());
    return sender;
  }

  double Metric(const std::string& name, const std::string& reason = "") {
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_agent_export_" + name) continue;
      for (const auto& metric : family.metric) {
        if (reason.empty() || metric.label[0].value == reason) return metric.counter.value;
      }
    }
    return -1;
  }

  prometheus::Registry registry_;
};

constexpr const char* kWelcome =
    "welcome { protocol_version: 1 max_message_bytes: 1048576 max_batches_in_flight: 1 }";

TEST_F(SenderTest, SaysWhoItIsAndWhatItHas) {
  ScriptedCollector collector({kWelcome, "", "ack { sequence: 1 }"});
  auto sender = Start(collector.port());
  EXPECT_EQ(sender->Stop(absl::Seconds(60)), absl::OkStatus());
  const auto received = collector.received();
  ASSERT_EQ(received.size(), 3);
  EXPECT_THAT(received[0], HasSubstr("protocol_version: 1"));
  EXPECT_THAT(received[0], HasSubstr("epoch: 7"));
  EXPECT_THAT(received[0], HasSubstr("instance: "));
  EXPECT_THAT(received[0],
              HasSubstr("agent_version: \"1.2\" cluster: \"c\\357\\277\\275\" node: \"n\""));
  EXPECT_THAT(received[1], HasSubstr("definitions { strings: \"container_syscalls_total\""));
  EXPECT_THAT(received[2], HasSubstr("batch { sequence: 1 frames { timestamp_unix_ms: 1000"));
  EXPECT_FALSE(collector.AwaitCancelled());
}

struct BadCollector {
  const char* name;
  std::vector<std::string> answers;
};
class BadAnswers : public SenderTest, public testing::WithParamInterface<BadCollector> {};

TEST_P(BadAnswers, EndTheSessionAndAcknowledgeNothing) {
  ScriptedCollector collector(GetParam().answers);
  auto sender = Start(collector.port());
  EXPECT_TRUE(collector.AwaitCancelled());
  EXPECT_EQ(sender->acknowledged_sequence(), 0);
  EXPECT_EQ(sender->Stop(absl::ZeroDuration()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Metric("batches_dropped_total", "shutdown"), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadAnswers,
    testing::Values(BadCollector{"no_welcome", {}}, BadCollector{"an_unknown_body", {""}},
                    BadCollector{"another_version",
                                 {"welcome { protocol_version: 2 max_message_bytes: 1048576 "
                                  "max_batches_in_flight: 1 }"}},
                    BadCollector{"small_messages",
                                 {"welcome { protocol_version: 1 max_message_bytes: 1048575 "
                                  "max_batches_in_flight: 1 }"}},
                    BadCollector{"no_window",
                                 {"welcome { protocol_version: 1 max_message_bytes: 1048576 }"}},
                    BadCollector{"a_sequence_from_the_future",
                                 {"welcome { protocol_version: 1 max_message_bytes: 1048576 "
                                  "max_batches_in_flight: 1 durable_sequence: 99 }"}},
                    BadCollector{"a_second_welcome", {kWelcome, kWelcome}},
                    BadCollector{"ack_before_the_welcome", {"ack { sequence: 1 }"}},
                    BadCollector{"ack_of_what_was_not_sent", {kWelcome, "ack { sequence: 2 }"}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(SenderTest, DropsABatchThatTheCollectorCannotTake) {
  ScriptedCollector collector({kWelcome});
  auto sender = Start(collector.port(), 4 << 20);
  EXPECT_EQ(sender->Stop(absl::Seconds(60)), absl::OkStatus());
  EXPECT_EQ(Metric("batches_dropped_total", "too_large"), 1);
  EXPECT_EQ(Metric("samples_dropped_total", "too_large"), 200'000);
}

}  // namespace
}  // namespace leadline::agent
