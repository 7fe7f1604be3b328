// What the store takes from writers. Above is INVALID_ARGUMENT, with the limit in the text.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

#include "collector/model/entity.h"
#include "collector/model/series.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

inline constexpr size_t kMaxMetricBytes = 1024;
inline constexpr size_t kMaxLabels = 512;  // of a series, and of each kind of an entity's
inline constexpr size_t kMaxLabelNameBytes = 1024;
inline constexpr size_t kMaxLabelValueBytes = 16 << 10;
inline constexpr size_t kMaxBatchBytes = 256 << 20;  // encoded

absl::Status CheckTenant(std::string_view tenant);
absl::Status CheckSeries(const model::SeriesDefinition& series);
// Shapes and values; not whether the handles are valid.
absl::Status CheckBatch(const WriteBatch& batch);

}  // namespace leadline::collector::store::engine
