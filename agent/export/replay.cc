#include "agent/export/replay.h"

#include <limits>
#include <utility>

#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

std::unique_ptr<SendState> MakeReplay(
    const spool::Recovered& recovered, const std::string& spool_dir,
    const std::shared_ptr<const spool::DefinitionIndex>& definitions,
    prometheus::Registry& registry) {
  // Only a window of it is in memory at any time, and only for the session that has read it.
  auto state = std::make_unique<SendState>(std::numeric_limits<size_t>::max(),
                                           /*spooled_bytes=*/0, recovered.writer, registry);
  state->spool_dir = spool_dir;
  state->spooled_definitions = definitions;
  MutexLock lock(state->mutex);
  state->stopping = true;
  state->acknowledged = recovered.acknowledged;
  for (const spool::RecoveredItem& item : recovered.items) {
    if (item.location) {
      state->buffer.PushSpooled(item.first, item.samples, *item.location);
    } else {
      state->buffer.PushLost(item.first, item.last, item.samples);
      if (item.damaged) state->metrics.damaged.Count(item.last - item.first + 1, item.samples);
    }
    state->submitted = item.last;
  }
  if (!recovered.items.empty() && !recovered.items.back().location) {
    v1::Batch empty;
    empty.set_sequence(++state->submitted);
    state->buffer.Push(state->submitted, 0,
                       std::make_shared<const std::string>(empty.SerializeAsString()));
  }
  return state;
}

}  // namespace leadline::agent
