// Takes samples out of a batch. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "collector/store/store.h"

namespace leadline::collector::store::engine {

// Takes out the series that are not `kept`, and their samples, whose number it gives. The frames'
// indices are those of the series that are left. REQUIRES: kept is as long as batch.series.
uint64_t KeepSeries(const std::vector<bool>& kept, WriteBatch& batch);

}  // namespace leadline::collector::store::engine
