// Reader::Records: what happened, from windows and from what is in none yet.
#include <fmt/format.h>

#include "collector/store/engine/reader.h"
#include "collector/store/record/buffer.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {

absl::StatusOr<std::vector<model::Record>> Reader::Records(std::string_view tenant,
                                                           const RecordFilter& filter) const {
  // The head first, as for samples; what it has wins all the same.
  record::InTime of_head;
  LL_RETURN_IF_ERROR(head_.records().Select(tenant, filter, of_head));
  record::InTime found;
  for (const auto& window : windows_.Overlapping(filter.start_ms, filter.end_ms)) {
    LL_RETURN_IF_ERROR(window->Records(tenant, filter, found));
  }
  for (auto& [place, value] : of_head) found[place] = std::move(value);
  if (found.size() > filter.limit) {
    return absl::ResourceExhaustedError(
        fmt::format("more than {} records are in the range, which is the limit", filter.limit));
  }
  std::vector<model::Record> records;
  records.reserve(found.size());
  for (auto& [place, value] : found) {
    records.push_back({.table = filter.table,
                       .key = place.second,
                       .ts_ms = place.first,
                       .value = std::move(value)});
  }
  return records;
}

}  // namespace leadline::collector::store::engine
