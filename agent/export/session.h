// One session with the collector: a gRPC stream from its Hello to its end.
//
// Run sends from the calling thread and receives on one of its own. Cancel may be called from any
// thread; everything else belongs to the caller of Run.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include <grpcpp/grpcpp.h>

#include "agent/export/definition_encoder.h"
#include "agent/export/message_compressor.h"
#include "agent/export/send_state.h"
#include "agent/export/sender.h"
#include "agent/spool/reader.h"
#include "leadline/v1/ingest.grpc.pb.h"

namespace leadline::agent {

class Session {
 public:
  struct End {
    absl::Status status;  // OK: everything is acknowledged and the sender is stopping
    bool asked = false;   // the collector was; else our own files kept us from it
    bool welcomed = false;
    bool acknowledged = false;  // something
  };

  Session(const SenderOptions& options, SendState& state);

  // Until the session is over.
  End Run();
  void Cancel() { context_.TryCancel(); }

 private:
  using Stream = grpc::ClientReaderWriter<v1::AgentMessage, v1::CollectorMessage>;

  bool SendHello();
  // Compressed where the collector takes that.
  bool Write(const v1::AgentMessage& message);
  bool AwaitWelcome();
  // True when the sender is stopping and nothing is left to send.
  bool SendBatches();
  enum class Next { kMessage, kDrained, kOver };
  Next NextMessage(v1::AgentMessage* message);
  // Waits until there is something that may be sent; kMessage then.
  Next AwaitSendable() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.mutex);
  void TakeUntold(v1::Definitions* message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.mutex);
  // Reads the next batch back, with the definitions that it needs in a session of another process.
  void ReadSpooled(const SendBuffer::Peek& next);

  // Takes the samples from a batch of a time that has not come.
  void EmptyIfAhead(v1::Batch& batch) ABSL_LOCKS_EXCLUDED(state_.mutex);

  void ReadLoop();
  absl::Status HandleWelcome(const v1::Welcome& welcome);
  absl::Status HandleAck(const v1::Ack& ack);
  absl::Status HandlePeerAnswers(const v1::PeerAnswers& answers);
  void DropIfRefusedTwice() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.mutex);
  void Acknowledge(uint64_t sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_.mutex);
  // Ends the session for a reason of ours.
  void Fail(absl::Status status);

  const SenderOptions& options_;
  SendState& state_;
  DefinitionEncoder encoder_;
  spool::Reader reader_;
  std::optional<MessageCompressor> compressor_;      // when the collector takes it
  std::deque<v1::Definitions> spooled_definitions_;  // to be sent before the next batch
  uint64_t repaired_texts_ = 0;
  uint64_t left_out_labels_ = 0;
  grpc::ClientContext context_;
  std::unique_ptr<v1::Ingest::Stub> stub_;
  std::unique_ptr<Stream> stream_;

  bool welcomed_ ABSL_GUARDED_BY(state_.mutex) = false;
  bool acknowledged_ ABSL_GUARDED_BY(state_.mutex) = false;
  bool over_ ABSL_GUARDED_BY(state_.mutex) = false;  // nothing more is received
  absl::Status failure_ ABSL_GUARDED_BY(state_.mutex);
  size_t max_message_bytes_ ABSL_GUARDED_BY(state_.mutex) = 0;
  uint32_t window_ ABSL_GUARDED_BY(state_.mutex) = 0;
  uint32_t zstd_window_log_ ABSL_GUARDED_BY(state_.mutex) = 0;
};

}  // namespace leadline::agent
