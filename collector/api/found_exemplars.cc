#include "collector/api/found_exemplars.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/store/record/exemplars.h"
#include "common/id128.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

using Ids = std::vector<std::pair<Id128, size_t>>;  // ascending, with the series' numbers

// The store is asked for so many series at a time, so that keys do not pile up.
constexpr size_t kSeriesAtATime = 4096;
constexpr size_t kMaxExemplars = 100'000;

std::optional<size_t> NumberOf(const Id128& id, const Ids& ids) {
  const auto found = std::lower_bound(ids.begin(), ids.end(), std::pair(id, size_t{0}));
  if (found == ids.end() || found->first != id) return std::nullopt;
  return found->second;
}

absl::Status Add(const model::Record& record, const Ids& ids, ExemplarsBySeries& out) {
  const std::optional<Id128> id = store::record::SeriesOfExemplarKey(record.key);
  const std::optional<size_t> number = id ? NumberOf(*id, ids) : std::nullopt;
  std::optional<model::Exemplar> exemplar = store::record::AsExemplar(record);
  if (!number || !exemplar) {
    return absl::DataLossError(fmt::format("a malformed exemplar at {} ms", record.ts_ms));
  }
  out[*number].push_back(*std::move(exemplar));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExemplarsBySeries> FindExemplars(
    const store::Queryable& queryable, std::string_view tenant,
    absl::Span<const store::Queryable::SeriesView> series, int64_t start_ms, int64_t end_ms,
    const store::CallLimits& limits) {
  ExemplarsBySeries found;
  start_ms = std::max<int64_t>(start_ms, 0);
  if (end_ms < start_ms) return found;
  if (limits.memory != nullptr) {
    LL_RETURN_IF_ERROR(limits.memory->Take(series.size() * sizeof(Ids::value_type)));
  }
  Ids ids;
  ids.reserve(series.size());
  for (size_t i = 0; i < series.size(); ++i) {
    ids.emplace_back(store::record::ExemplarSeriesId(series[i]), i);
  }
  std::sort(ids.begin(), ids.end());
  store::RecordFilter filter{.table = model::RecordTable::kExemplars,
                             .start_ms = start_ms,
                             .end_ms = end_ms,
                             .limit = kMaxExemplars,
                             .limits = limits};
  size_t total = 0;
  for (size_t first = 0; first < ids.size(); first += kSeriesAtATime) {
    filter.key_ranges.clear();
    for (size_t i = first; i < std::min(first + kSeriesAtATime, ids.size()); ++i) {
      filter.key_ranges.push_back(store::record::ExemplarKeys(ids[i].first, start_ms, end_ms));
    }
    LL_ASSIGN_OR_RETURN(const std::vector<model::Record> records,
                        queryable.Records(tenant, filter));
    total += records.size();
    if (total > kMaxExemplars) {
      return absl::ResourceExhaustedError(fmt::format(
          "more than {} exemplars are in the range, which is the limit", kMaxExemplars));
    }
    for (const model::Record& record : records) LL_RETURN_IF_ERROR(Add(record, ids, found));
  }
  return found;
}

}  // namespace leadline::collector::api
