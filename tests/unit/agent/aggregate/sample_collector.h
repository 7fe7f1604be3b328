// Reads sealed batches back into samples, so that tests see what the collector would.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/export/batcher.h"

namespace leadline::agent::aggregate {

class SampleCollector {
 public:
  explicit SampleCollector(Batcher& batcher) : batcher_(batcher) {}

  // What was added since the last call, each as "metric{labels} value @time", sorted. Labels are
  // residual ones, and those of edges. A histogram's value is the number of its observations.
  std::vector<std::string> Take();

 private:
  template <typename Value>
  std::string Text(uint32_t series, Value value, int64_t ts_ms) const;

  Batcher& batcher_;
  std::map<uint32_t, std::shared_ptr<const SeriesKey>> series_;
  std::map<EntityRef, std::shared_ptr<const Entity>> entities_;
};

}  // namespace leadline::agent::aggregate
