// A batch on its way from the batcher to the collector.
#pragma once

#include <cstdint>
#include <string>

#include "agent/export/definitions.h"

namespace leadline::agent {

struct SealedBatch {
  uint64_t sequence = 0;  // from 1, without gaps within an epoch
  uint64_t samples = 0;
  std::string wire;  // a serialized leadline.v1.Batch
  DefinitionChanges changes;
};

}  // namespace leadline::agent
