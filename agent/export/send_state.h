// What the sender's thread, its session and those who submit share.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/export/definition_table.h"
#include "agent/export/send_buffer.h"
#include "agent/export/sender_metrics.h"
#include "common/mutex.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct SendState {
  SendState(size_t max_buffer_bytes, prometheus::Registry& registry)
      : metrics(registry), buffer(max_buffer_bytes) {}

  SenderMetrics metrics;

  Mutex mutex;
  CondVar changed;  // anything below
  SendBuffer buffer ABSL_GUARDED_BY(mutex);
  DefinitionTable table ABSL_GUARDED_BY(mutex);
  uint64_t submitted ABSL_GUARDED_BY(mutex) = 0;     // sequence
  uint64_t acknowledged ABSL_GUARDED_BY(mutex) = 0;  // sequence
  bool connected ABSL_GUARDED_BY(mutex) = false;
  bool stopping ABSL_GUARDED_BY(mutex) = false;  // end when everything is acknowledged
  bool aborted ABSL_GUARDED_BY(mutex) = false;   // end now

  // The collector ended the last session with INVALID_ARGUMENT; the batch that the next one begins
  // with was the offender, unless it was a definition.
  bool refused ABSL_GUARDED_BY(mutex) = false;
  // The batch that the session after the last refusal began with.
  std::optional<uint64_t> suspect ABSL_GUARDED_BY(mutex);

  void UpdateGauges() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    metrics.buffered_batches.Set(static_cast<double>(buffer.batches()));
    metrics.buffered_bytes.Set(static_cast<double>(buffer.bytes()));
    metrics.connected.Set(connected ? 1 : 0);
  }
};

}  // namespace leadline::agent
