// The series that a query may be about, gathered from the head and the windows, each once, with the
// versions of its entity from everywhere.
//
// Threading: one thread. Ownership: the head outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/store/call_meter.h"
#include "collector/store/chunk/pieces.h"
#include "collector/store/engine/rollup_spans.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/head/head.h"
#include "collector/store/index/matchers.h"
#include "collector/store/window/window.h"

namespace leadline::collector::store::engine {

struct FoundEntity {
  Id128 id;
  // Of all sources; null when no version is known.
  const model::EntityTimeline* timeline = nullptr;
  const model::EntityTimeline* merged_last = nullptr;
  // Its known life, as in store::SeriesBlock.
  int64_t start_ms = 0;
  int64_t end_ms = model::kOpenEnd;
};

struct FoundSeries {
  const index::Definition* definition = nullptr;
  uint32_t entity = 0;  // in FoundSet::entities()
  struct WindowPlace {
    uint32_t window = 0;  // in FoundSet::windows()
    uint32_t number = 0;  // of the series that it selected
  };
  absl::InlinedVector<WindowPlace, 2> windows;  // oldest first
  std::vector<chunk::Piece> head_pieces;        // these win
};

class FoundSet {
 public:
  struct WindowSeries {
    WindowId id;
    std::shared_ptr<window::Window> window;
    std::shared_ptr<const window::Selected> selected;
  };

  FoundSet(std::string_view tenant, int64_t start_ms, int64_t end_ms)
      : tenant_(tenant), start_ms_(start_ms), end_ms_(end_ms) {}

  // Errors of the meter, too, which has what is kept.
  absl::Status Gather(const head::Head& head, const WindowSet& windows,
                      const index::Matchers& matchers, bool with_samples, CallMeter& meter);
  // As Gather, of rollups where the hints allow them, and not of samples that they stand for. The
  // zones say which are of what; there are none where all is of samples.
  absl::Status GatherSummary(const head::Head& head, const WindowSet& windows,
                             const index::Matchers& matchers, const RollupHints& hints,
                             CallMeter& meter);
  const std::vector<Zone>& zones() const { return zones_; }
  bool WasGathered(const WindowId& id) const { return gathered_.contains(id); }

  const std::vector<FoundSeries>& series() const { return series_; }
  // Each once, so that what is asked of an entity is asked once.
  const std::vector<FoundEntity>& entities() const { return entities_; }
  const std::vector<WindowSeries>& windows() const { return windows_; }
  // Of its entity; null when no version is known.
  const model::EntityTimeline* TimelineOf(const FoundSeries& series) const {
    return entities_[series.entity].timeline;
  }
  // What a window says of the series, where that is all there is to know of its labels: its entity
  // has one label set, of which nobody knows more. Else null.
  struct OneSet {
    const window::Selected* selected = nullptr;
    const window::Selected::Series* series = nullptr;

    const window::Selected::Entity& entity() const { return selected->entities()[series->entity]; }
  };
  OneSet OneSetOf(const FoundSeries& series) const;

 private:
  absl::Status AddHead(const head::Head& head, const index::Matchers& matchers, bool with_samples,
                       CallMeter& meter);
  absl::Status AddWindows(const WindowSet::Opened& windows, const head::Head& head,
                          const index::Matchers& matchers, CallMeter& meter);
  // The number of the series, new or known.
  size_t Add(const index::Definition* definition, uint32_t entity);
  // `entities`: their numbers here.
  absl::Status AddSelected(const window::Selected& selected, absl::Span<const uint32_t> entities,
                           CallMeter& meter);
  // The entities of the window, by their numbers there.
  std::vector<uint32_t> AddEntities(const window::Selected& selected);
  uint32_t EntityOf(const Id128& id);
  // `timeline` is kept by somebody else.
  void MergeTimeline(const model::EntityTimeline* timeline, FoundEntity& entity);
  // With what the head knows of entities that windows found.
  absl::Status MergeHead(const head::Head& head, const window::Selected& selected,
                         absl::Span<const uint32_t> numbers, CallMeter& meter);

  const std::string_view tenant_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  std::vector<FoundSeries> series_;
  std::vector<WindowSeries> windows_;
  std::set<WindowId> gathered_;
  std::vector<Zone> zones_;
  // Of series_, once there is a second place to look for them: none has one twice.
  absl::flat_hash_map<const index::Definition*, size_t> numbers_;
  std::vector<FoundEntity> entities_;
  absl::flat_hash_map<Id128, uint32_t> entity_numbers_;  // the same
  uint32_t last_entity_ = 0;
  // What no window keeps.
  std::vector<index::DefinitionPtr> definitions_;
  std::vector<index::TimelinePtr> timelines_;
};

}  // namespace leadline::collector::store::engine
