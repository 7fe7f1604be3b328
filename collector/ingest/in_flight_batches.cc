#include "collector/ingest/in_flight_batches.h"

#include <algorithm>

namespace leadline::collector::ingest {

void InFlightBatches::Add(const Batch& batch) {
  batches_.push_back({batch});
  bytes_ += batch.bytes;
}

void InFlightBatches::Answer(uint64_t sequence) {
  const auto found = std::lower_bound(
      batches_.begin(), batches_.end(), sequence,
      [](const Entry& entry, uint64_t wanted) { return entry.batch.sequence < wanted; });
  if (found != batches_.end() && found->batch.sequence == sequence) found->answered = true;
}

std::optional<InFlightBatches::Batch> InFlightBatches::TakeAnswered() {
  if (batches_.empty() || !batches_.front().answered) return std::nullopt;
  const Batch batch = batches_.front().batch;
  batches_.pop_front();
  bytes_ -= batch.bytes;
  return batch;
}

}  // namespace leadline::collector::ingest
