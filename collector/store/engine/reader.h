// Queries over the head and the windows.
//
// The head is read first, then the windows: what a flush moves from one to the other in between is
// seen twice, and merged, but never missed. An entity's versions are taken from everywhere, so that
// labels learned late are seen in windows that do not have them yet.
//
// Threading: any thread. Ownership: the head and the windows outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/call_meter.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/head/head.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/matchers.h"
#include "collector/store/index/smallest_texts.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

class Reader final : public Queryable {
 public:
  Reader(const head::Head& head, const WindowSet& windows) : head_(head), windows_(windows) {}

  absl::StatusOr<std::unique_ptr<Selection>> Find(std::string_view tenant,
                                                  absl::Span<const Matcher> matchers,
                                                  const SelectHints& hints) const override;
  absl::Status UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                             TakeTexts take) const override;
  absl::Status UseLabelValues(std::string_view tenant, std::string_view name,
                              const SeriesFilter& filter, TakeTexts take) const override;
  absl::Status UseSeries(std::string_view tenant, const SeriesFilter& filter,
                         TakeSeries take) const override;
  absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                               int64_t t_ms) const override;
  absl::StatusOr<std::vector<model::Record>> Records(std::string_view tenant,
                                                     const RecordFilter& filter) const override;

 private:
  // A series that matches, with a version of its entity; null where none is known.
  struct Visited {
    const index::Definition& series;
    const model::EntityVersion* version;
    const index::Matchers& matchers;  // of the selector
  };
  // What one selector found, and what that takes.
  struct Gathered {
    Gathered(std::string_view tenant, int64_t start_ms, int64_t end_ms, const CallLimits& limits)
        : found(tenant, start_ms, end_ms), meter(limits) {}

    index::Matchers matchers;
    FoundSet found;
    CallMeter meter;
  };
  // Called with every series of the filter and each version of its entity in force in the range
  // that matches, selector by selector, until it gives an error. What is found is counted against
  // the filter's limits. It is there until `leave` was called, before the next selector, or as long
  // as `last`.
  using VisitSeries = absl::FunctionRef<absl::Status(const Visited& visited)>;
  absl::Status VisitAll(std::string_view tenant, const SeriesFilter& filter,
                        std::optional<Gathered>& last, VisitSeries visit,
                        absl::FunctionRef<absl::Status()> leave) const;

  // The same without a filter, from labels alone; see labels.cc.
  // Errors of `out`, too.
  absl::Status AllLabelNames(std::string_view tenant, const SeriesFilter& filter,
                             index::SmallestTexts& out) const;
  absl::Status AllLabelValues(std::string_view tenant, std::string_view name,
                              const SeriesFilter& filter, index::SmallestTexts& out) const;
  // Whether an entity with series in the window has the label in force in the range, as the head
  // and the window together know it.
  absl::StatusOr<bool> HasEntityWith(std::string_view tenant, const window::Window& window,
                                     const index::LabelView& label, int64_t start_ms,
                                     int64_t end_ms) const;

  using Windows = std::vector<std::shared_ptr<window::Window>>;
  // Whether an entity with series in one of the windows has any value of the label in force in the
  // range; `changed` are those that windows do not know all of. Errors of `out`, too, to which
  // nothing is added.
  absl::StatusOr<bool> HasEntityValue(std::string_view tenant, std::string_view name,
                                      const Windows& windows,
                                      absl::Span<const index::TimelinePtr> changed,
                                      int64_t start_ms, int64_t end_ms,
                                      index::SmallestTexts& out) const;
  absl::StatusOr<bool> HasSeriesOf(std::string_view tenant, const model::EntityTimeline& timeline,
                                   const Windows& windows) const;

  const head::Head& head_;
  const WindowSet& windows_;
};

}  // namespace leadline::collector::store::engine
