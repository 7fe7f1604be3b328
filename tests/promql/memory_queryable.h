// The store's read half over series in memory, as it is specified and as simple as can be: what the
// query engine and the API are tested on.
#pragma once

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <map>
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
  // With later samples, where there is a series of those labels and that life already.
  void Append(store::SeriesBlock series);
  void Clear() { series_.clear(); }

  // What Gaps says for ranges that have the time.
  void SetGap(int64_t ts_ms, std::string text) { gaps_[ts_ms] = std::move(text); }
  std::vector<std::string> Gaps(int64_t start_ms, int64_t end_ms) const override {
    std::vector<std::string> texts;
    for (auto it = gaps_.lower_bound(start_ms); it != gaps_.end() && it->first <= end_ms; ++it) {
      texts.push_back(it->second);
    }
    return texts;
  }

  void AddRecord(model::Record record) { records_.push_back(std::move(record)); }
  absl::StatusOr<std::vector<model::Record>> Records(
      std::string_view /*tenant*/, const store::RecordFilter& filter) const override {
    std::vector<model::Record> found;
    const auto in_ranges = [&](const std::string& key) {
      return filter.key_ranges.empty() ||
             std::any_of(filter.key_ranges.begin(), filter.key_ranges.end(),
                         [&](const store::KeyRange& range) {
                           return key.size() == range.first.size() && key >= range.first &&
                                  key <= range.last;
                         });
    };
    for (const model::Record& record : records_) {
      if (record.table == filter.table && (!filter.key || record.key == *filter.key) &&
          in_ranges(record.key) && record.ts_ms >= filter.start_ms &&
          record.ts_ms <= filter.end_ms) {
        found.push_back(record);
      }
    }
    return found;
  }

  // Answers everything with this error from now on.
  // The next `times` that it is asked.
  void FailWith(absl::Status error, int times = INT_MAX) {
    error_ = std::move(error);
    failures_left_ = times;
  }

  absl::StatusOr<std::unique_ptr<store::Selection>> Find(
      std::string_view tenant, absl::Span<const store::Matcher> matchers,
      const store::SelectHints& hints) const override;
  absl::Status UseLabelNames(std::string_view tenant, const store::SeriesFilter& filter,
                             TakeTexts take) const override;
  absl::Status UseLabelValues(std::string_view tenant, std::string_view name,
                              const store::SeriesFilter& filter, TakeTexts take) const override;
  absl::Status UseSeries(std::string_view tenant, const store::SeriesFilter& filter,
                         TakeSeries take) const override;
  absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                               int64_t t_ms) const override;

  // What the last Find was asked.
  const store::SelectHints& last_hints() const { return last_hints_; }

 private:
  absl::StatusOr<std::set<LabelSet>> Matching(const store::SeriesFilter& filter) const;
  absl::Status Failure() const {
    return failures_left_ > 0 && failures_left_-- > 0 ? error_ : absl::OkStatus();
  }

  std::vector<store::SeriesBlock> series_;
  std::map<int64_t, std::string> gaps_;
  std::vector<model::Record> records_;
  absl::Status error_;
  mutable std::atomic<int> failures_left_ = 0;
  mutable store::SelectHints last_hints_;
};

}  // namespace leadline::collector::promqltest
