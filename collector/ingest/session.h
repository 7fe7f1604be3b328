// One stream of an agent: reads, checks, appends, acknowledges.
//
// gRPC's threads bring its messages, a worker decodes and appends them one at a time, the store's
// threads report what is durable. It is read only while the store has room for it. However it ends,
// it leaves the registry when the store has answered for everything that it appended. It owns
// itself until gRPC is done with it and the store has answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include <grpcpp/grpcpp.h>

#include "collector/cluster/directory.h"
#include "collector/ingest/agent_registry.h"
#include "collector/ingest/in_flight_batches.h"
#include "collector/ingest/ingest_metrics.h"
#include "collector/ingest/limits.h"
#include "collector/ingest/session_tables.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/tls/reloading.h"
#include "common/tls/token_list.h"
#include "common/worker_pool.h"
#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::collector::ingest {

// What the sessions of a server share. Outlives the server while the store has something of it.
struct IngestContext {
  IngestContext(const Limits& limits_in, prometheus::Registry& registry)
      : limits(limits_in), metrics(registry) {}

  const Limits limits;
  store::Appendable* store = nullptr;
  const Clock* clock = nullptr;
  std::string tenant;
  std::string version;
  IngestMetrics metrics;
  AgentRegistry agents;
  WorkerPool* workers = nullptr;  // of the server, which outlives the streams
  std::shared_ptr<tls::Reloading<tls::TokenList>> tokens;  // nullptr: no token is needed
  // Whom agents of `cluster` may ask who has which address; nullptr: nobody.
  std::shared_ptr<cluster::Directory> directory;
  std::string cluster;
};

class Session final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                      public Claimant,
                      public std::enable_shared_from_this<Session> {
 public:
  // `token` is the hash of the agent's bearer token, if it has sent one. gRPC's half of the
  // ownership is taken back in OnDone.
  static std::shared_ptr<Session> Start(std::shared_ptr<IngestContext> context, std::string peer,
                                        std::optional<tls::TokenHash> token);
  ~Session() override;

  // Ends the session with this status once what it appended is durable and acknowledged.
  void Close(absl::Status status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Granted() override;
  void TakenOver(const AgentClaim& by) override;

 private:
  enum class Phase { kHello, kClaiming, kOpen };

  Session(std::shared_ptr<IngestContext> context, std::string peer,
          std::optional<tls::TokenHash> token);

  // Whether the token is still among those that are taken: one that is revoked ends the session.
  MaybeRefusal CheckToken();

  // On a worker.
  enum class Task { kMessage, kWelcome };
  void Process(Task task);
  void Welcome();
  MaybeRefusal HandleMessage();
  MaybeRefusal HandleHello(const v1::Hello& hello);
  MaybeRefusal HandleDefinitions(const v1::Definitions& definitions);
  // Asks the store for handles; keeps those series that it refuses, to be asked for again.
  MaybeRefusal Resolve(SessionTables::Unresolved asked);
  MaybeRefusal ResolveRefused();
  MaybeRefusal HandleBatch(const v1::Batch& message, size_t bytes);
  MaybeRefusal HandlePeerQuestions(const v1::PeerQuestions& message);
  void Append(store::WriteBatch batch, size_t bytes);
  MaybeRefusal CheckSequence(const v1::Batch& message) const;
  void CountLost(const v1::Batch& message);
  void FillGap();
  void Post(Task task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Refuse(const Refusal& refusal);

  void OnDurable(uint64_t sequence, const absl::Status& status);
  // On the directory's threads.
  void OnPeerAnswers();

  void CloseLocked(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Does what the state allows: read, write, finish. True when the agent is to be released.
  bool Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdvanceAndRelease();
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeRead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeWrite() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MaybeFinish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Name() const;

  const std::shared_ptr<IngestContext> context_;
  const std::string peer_;
  const std::optional<tls::TokenHash> token_;
  std::shared_ptr<const tls::TokenList> checked_tokens_;  // the list that had it; of the worker

  // Of the worker that processes; a session has one task at a time.
  AgentClaim claim_;
  store::WriterId writer_;
  std::string agent_name_;
  bool is_of_cluster_ = false;
  bool warned_of_peers_ = false;
  SessionTables tables_;
  std::optional<zstd::Decompressor> compressed_;  // from the first compressed message on
  SessionTables::Unresolved refused_;             // over a limit of the tenant
  int64_t refused_asked_mono_ns_ = 0;
  uint64_t last_sequence_ = 0;  // received

  mutable Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kHello;
  bool claimed_ ABSL_GUARDED_BY(mutex_) = false;
  bool granted_ ABSL_GUARDED_BY(mutex_) = false;
  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool processing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stalled_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;  // the peer is gone: nobody waits for acks
  bool store_failed_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status close_status_ ABSL_GUARDED_BY(mutex_);
  InFlightBatches in_flight_ ABSL_GUARDED_BY(mutex_);
  std::optional<uint64_t> welcome_ ABSL_GUARDED_BY(mutex_);  // to be sent
  bool ack_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool peer_answers_due_ ABSL_GUARDED_BY(mutex_) = false;
  // Set once, before it is asked; nullptr where nothing is answered.
  std::unique_ptr<cluster::Directory::Inquiry> peers_;
  uint64_t durable_sequence_ ABSL_GUARDED_BY(mutex_) = 0;

  grpc::ByteBuffer read_buffer_;
  grpc::ByteBuffer write_buffer_;
  std::shared_ptr<Session> self_;  // gRPC's
};

}  // namespace leadline::collector::ingest
