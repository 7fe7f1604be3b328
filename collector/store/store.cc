#include "collector/store/store.h"

namespace leadline::collector::store {

absl::StatusOr<std::vector<SeriesHandle>> Appendable::Resolve(
    std::string_view tenant, absl::Span<const model::SeriesDefinition> series) {
  Refusals refusals;
  auto handles = ResolveEach(tenant, series, refusals);
  if (handles.ok() && !refusals.empty()) return refusals.ToStatus();
  return handles;
}

}  // namespace leadline::collector::store
