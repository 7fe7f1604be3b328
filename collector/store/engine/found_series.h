// The series that a query may be about, gathered from the head and the windows, each once, with the
// versions of its entity from everywhere.
//
// Threading: one thread. Ownership: the head outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/head/head.h"
#include "collector/store/index/matchers.h"
#include "collector/store/window/window.h"

namespace leadline::collector::store::engine {

struct FoundSeries {
  index::DefinitionPtr definition;
  index::TimelinePtr timeline;  // null when no version of the entity is known
  bool wanted = true;           // cleared by the caller: its samples are not read
  std::vector<chunk::Piece> window_pieces;
  std::vector<chunk::Piece> head_pieces;  // these win
};

class FoundSet {
 public:
  FoundSet(std::string_view tenant, int64_t start_ms, int64_t end_ms)
      : tenant_(tenant), start_ms_(start_ms), end_ms_(end_ms) {}

  absl::Status Gather(const head::Head& head, const WindowSet& windows,
                      const index::Matchers& matchers, bool with_samples);
  // Fills window_pieces of those wanted. RESOURCE_EXHAUSTED when they hold more samples than
  // `max_samples` for certain.
  absl::Status ReadWindows(uint64_t max_samples, absl::Time deadline);

  std::vector<FoundSeries>& series() { return series_; }

 private:
  struct WindowSeries {
    std::shared_ptr<window::Window> window;
    std::vector<window::SeriesRef> refs;
    std::vector<size_t> numbers;  // in series_
  };

  size_t Add(const index::DefinitionPtr& definition, const index::TimelinePtr& timeline);
  void MergeTimeline(const Id128& entity, const index::TimelinePtr& timeline);

  const std::string_view tenant_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  std::vector<FoundSeries> series_;
  std::vector<WindowSeries> windows_;
  index::DefinitionMap<size_t> numbers_;
  absl::flat_hash_map<Id128, index::TimelinePtr> timelines_;
};

}  // namespace leadline::collector::store::engine
