// What the sender's thread, its session and those who submit share: one of this process, and one
// for each earlier process whose batches are in the spool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/export/definition_table.h"
#include "agent/export/peer_exchange.h"
#include "agent/export/send_buffer.h"
#include "agent/export/sender_metrics.h"
#include "agent/spool/reader.h"
#include "common/mutex.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct SendState {
  // `spooled_bytes`: see SendBuffer.
  SendState(size_t max_buffer_bytes, size_t spooled_bytes, spool::Writer writer_in,
            prometheus::Registry& registry)
      : metrics(registry), writer(writer_in), buffer(max_buffer_bytes, spooled_bytes) {}

  SenderMetrics metrics;
  const spool::Writer writer;
  std::string spool_dir;  // "": none
  // Of an earlier process; the table is empty then.
  std::shared_ptr<const spool::DefinitionIndex> spooled_definitions;
  bool is_replay() const { return spooled_definitions != nullptr; }
  // Called under the mutex.
  std::function<void(uint64_t sequence)> on_acknowledged;

  Mutex mutex;
  CondVar changed;  // anything below
  SendBuffer buffer ABSL_GUARDED_BY(mutex);
  DefinitionTable table ABSL_GUARDED_BY(mutex);
  PeerExchange peers ABSL_GUARDED_BY(mutex);         // nothing of an earlier process
  uint64_t submitted ABSL_GUARDED_BY(mutex) = 0;     // sequence
  uint64_t acknowledged ABSL_GUARDED_BY(mutex) = 0;  // sequence
  bool connected ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;  // end when everything is acknowledged
  bool aborted ABSL_GUARDED_BY(mutex) = false;   // end now

  // The collector ended a session with FAILED_PRECONDITION, and what has been sent since was of a
  // time that by our own clock has not come.
  bool ahead_refused ABSL_GUARDED_BY(mutex) = false;
  // The collector ended the last session with INVALID_ARGUMENT; the batch that the next one begins
  // with was the offender, unless it was a definition.
  bool refused ABSL_GUARDED_BY(mutex) = false;
  // The batch that the session after the last refusal began with.
  std::optional<uint64_t> suspect ABSL_GUARDED_BY(mutex);

  void UpdateGauges() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (is_replay()) return;
    metrics.buffered_batches.Set(static_cast<double>(buffer.batches()));
    metrics.buffered_bytes.Set(static_cast<double>(buffer.bytes()));
    metrics.connected.Set(connected ? 1 : 0);
  }
};

}  // namespace leadline::agent
