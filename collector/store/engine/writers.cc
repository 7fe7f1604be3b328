#include "collector/store/engine/writers.h"

#include <algorithm>

namespace leadline::collector::store::engine {

uint64_t Writers::Last(std::string_view tenant, const WriterId& writer) const {
  MutexLock lock(mutex_);
  const auto agent = epochs_.find({std::string(tenant), writer.agent});
  if (agent == epochs_.end()) return 0;
  const auto epoch = agent->second.find(writer.epoch);
  return epoch == agent->second.end() ? 0 : epoch->second;
}

void Writers::Advance(std::string_view tenant, const WriterId& writer, uint64_t sequence) {
  if (!IsNumbered(writer)) return;
  MutexLock lock(mutex_);
  auto& epochs = epochs_[{std::string(tenant), writer.agent}];
  uint64_t& last = epochs[writer.epoch];
  last = std::max(last, sequence);
  if (epochs.size() > kMaxEpochs) epochs.erase(epochs.begin());
}

log::WritersRecord Writers::All() const {
  MutexLock lock(mutex_);
  log::WritersRecord record;
  for (const auto& [agent, epochs] : epochs_) {
    for (const auto& [epoch, sequence] : epochs) {
      record.rows.push_back({agent.first, {agent.second, epoch}, sequence});
    }
  }
  return record;
}

}  // namespace leadline::collector::store::engine
