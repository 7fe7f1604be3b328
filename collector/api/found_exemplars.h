// The exemplars of some series, found in the store.
//
// Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/model/exemplar.h"
#include "collector/store/store.h"

namespace leadline::collector::api {

// By the number of their series, in the order of their time. Series without any are missing.
using ExemplarsBySeries = std::map<size_t, std::vector<model::Exemplar>>;

// Those of the times, both included. RESOURCE_EXHAUSTED when they are too many; errors of the store
// and of the limits, whose memory stays taken.
absl::StatusOr<ExemplarsBySeries> FindExemplars(
    const store::Queryable& queryable, std::string_view tenant,
    absl::Span<const store::Queryable::SeriesView> series, int64_t start_ms, int64_t end_ms,
    const store::CallLimits& limits);

}  // namespace leadline::collector::api
