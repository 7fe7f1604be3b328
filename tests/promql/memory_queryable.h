// The store's read half over series in memory, as it is specified and as simple as can be: what the
// query engine and the API are tested on.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/store.h"

namespace leadline::collector::promqltest {

class MemoryQueryable final : public store::Queryable {
 public:
  // With all its samples, in time order.
  void Add(store::SeriesBlock series) { series_.push_back(std::move(series)); }
  void Clear() { series_.clear(); }

  // Answers everything with this error from now on.
  void FailWith(absl::Status error) { error_ = std::move(error); }

  absl::StatusOr<std::unique_ptr<store::Selection>> Find(
      std::string_view tenant, absl::Span<const store::Matcher> matchers,
      const store::SelectHints& hints) const override;
  absl::StatusOr<std::vector<std::string>> LabelNames(
      std::string_view tenant, const store::SeriesFilter& filter) const override;
  absl::StatusOr<std::vector<std::string>> LabelValues(
      std::string_view tenant, std::string_view name,
      const store::SeriesFilter& filter) const override;
  absl::StatusOr<std::vector<LabelSet>> Series(std::string_view tenant,
                                               const store::SeriesFilter& filter) const override;
  absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                               int64_t t_ms) const override;

  // What the last Find was asked.
  const store::SelectHints& last_hints() const { return last_hints_; }

 private:
  absl::StatusOr<std::set<LabelSet>> Matching(const store::SeriesFilter& filter) const;

  std::vector<store::SeriesBlock> series_;
  absl::Status error_;
  mutable store::SelectHints last_hints_;
};

}  // namespace leadline::collector::promqltest
