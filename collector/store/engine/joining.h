// Blocks of one series that come from several entities or places, made one; see
// store::SeriesBlock. Plain functions.
#pragma once

#include <cstdint>

#include "collector/store/chunk/pieces.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

// A block and when its labels came into force for its entity.
struct Part {
  int64_t begin_ms = 0;
  SeriesBlock block;
};

// Where other labels are in force from `ts_ms` on, the block ends with a staleness marker: looked
// back to beside its successor, it would count its entity twice.
void EndAt(int64_t ts_ms, SeriesBlock& block);

// `newer` begins no earlier than `part`, and wins at equal timestamps. `start_ms`: of the range.
void Join(Part newer, int64_t start_ms, Part& part);

}  // namespace leadline::collector::store::engine
