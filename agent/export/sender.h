// Delivers batches to the collector, in order and until they are acknowledged.
//
// One thread keeps a session with the collector (proto/leadline/v1/ingest.proto): it connects,
// sends the definitions that the session needs and the batches that are not acknowledged, and
// begins again with exponential back-off when the session ends. Unacknowledged batches are kept in
// memory and, with a spool, on disk, where they outlive the process: first those of earlier
// processes are sent, each in a session of its own epoch (docs/adr/0033). Without a spool, or while
// it cannot be written, the oldest that are not on their way are dropped when they are more than
// max_buffer_bytes. What is dropped is counted in leadline_agent_export_batches_dropped_total and
// declared lost to the collector with the next batch. A batch from before the clock was set back,
// which the collector refuses until its time comes, is sent without its samples.
//
// Errors: Start for want of threads; none from Submit; a collector that cannot be reached or
// refuses is logged and tried again. Threading: every method may be called from any thread.
// Ownership: the destructor stops the thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/export/backoff.h"
#include "agent/export/sealed_batch.h"
#include "agent/model/peer_question.h"
#include "common/clock.h"
#include "common/id128.h"
#include "common/tls/client_files.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct SenderOptions {
  std::string collector;  // host:port
  tls::ClientFiles security;
  Id128 agent_id;
  uint64_t epoch = 0;
  uint64_t place = 0;  // Identity::place()
  std::string agent_version;
  std::string cluster;
  std::string node;

  size_t max_buffer_bytes = 64 << 20;
  // Memory for what is in the spool as well.
  size_t max_spooled_buffer_bytes = 8 << 20;
  std::string spool_dir;  // "": no spool
  uint64_t max_spool_bytes = 256 << 20;
  BackoffOptions backoff;
  // A collector that does not answer the Hello within this is given up.
  absl::Duration handshake_timeout = absl::Seconds(15);
  // A connection on which nothing answers for this long is dead.
  absl::Duration keepalive = absl::Seconds(20);
  const Clock* clock = &SystemClock();
};

class Sender {
 public:
  static absl::StatusOr<std::unique_ptr<Sender>> Start(SenderOptions options,
                                                       prometheus::Registry& registry);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // Batches in order of their sequence, as Batcher::Seal makes them.
  void Submit(std::vector<SealedBatch> batches);

  // Asks the collector who peers are, in this session and those that follow until they are
  // forgotten.
  void AskPeers(const PeerQuestions& questions);
  // At most `max` of its answers; does not wait.
  std::vector<PeerAnswer> TakePeerAnswers(size_t max);

  // Every batch up to this one is durable at the collector, or given up.
  uint64_t acknowledged_sequence() const;

  // Waits until every batch up to this one is acknowledged; DEADLINE_EXCEEDED after `timeout`.
  absl::Status AwaitAcknowledged(uint64_t sequence, absl::Duration timeout);

  // Whether the collector has welcomed the current session, of whichever epoch.
  bool connected() const;

  // Waits until everything submitted is acknowledged, at most `timeout`, and ends the session.
  // DEADLINE_EXCEEDED when batches are left that the spool does not have, which are lost and
  // counted.
  absl::Status Stop(absl::Duration timeout);

 private:
  class Impl;
  explicit Sender(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leadline::agent
