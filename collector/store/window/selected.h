// What a selector found in a window, as a query reads it from front to end: what it asks of a
// series and its entity stands here, so that neither the series' definition nor the entity's
// timeline has to be looked at, each of which lies somewhere else in memory. Source: ADR 157.
//
// Threading: any thread. Immutable, but for what is noted of the head.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"

#include "collector/model/entity.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/label_rows.h"
#include "collector/store/index/series_matcher.h"
#include "collector/store/index/timelines.h"
#include "collector/store/window/dictionary_writer.h"
#include "collector/store/window/series_block.h"
#include "common/id128.h"
#include "common/mutex.h"

namespace leadline::collector::store::window {

class Selected {
 public:
  struct Entity {
    Id128 id;
    index::TimelinePtr timeline;  // null when no version is known
    // Its only version, and that one's labels but Kubernetes'; null where there are more or none.
    const model::EntityVersion* version = nullptr;
    index::LabelRows::Row labels;
    int64_t start_ms = 0;
    int64_t end_ms = model::kOpenEnd;

    // Whether its series have one label set at all times.
    bool has_one_set() const { return version != nullptr || timeline == nullptr; }
  };
  // The hash and whether it matches hold where its entity has one set.
  struct Series {
    index::DefinitionPtr definition;
    uint64_t labels_hash = 0;  // the sum of HashLabel of all that are visible, without Kubernetes'
    uint32_t entity = 0;       // in entities()
    uint32_t metric = 0;
    uint32_t number = 0;        // in the window
    uint32_t rank = 0;          // among the metric's, as they came
    index::LabelRows::Row own;  // its labels but the metric's name
    index::LabelId metric_id{};
    bool matches = false;

    // To read it by.
    SeriesRef ref() const { return {.metric = metric, .series = number, .rank = rank}; }
  };

  // Of matchers that outlive the call.
  class Builder;

  Selected() = default;
  ~Selected();
  Selected(const Selected&) = delete;
  Selected& operator=(const Selected&) = delete;

  const std::vector<Series>& series() const { return series_; }
  const std::vector<Entity>& entities() const { return entities_; }
  const index::LabelRows& labels() const { return labels_; }
  // Null when the entity is not among them.
  const uint32_t* FindEntity(const Id128& id) const;
  // Memory that it takes, about, with its share of its entities' timelines.
  size_t bytes() const;

  // Entities of which the head knew something else, when so many changes had been made there.
  struct Compared {
    uint64_t changes = 0;
    std::vector<uint32_t> differ;
  };
  // Null when nobody has looked.
  std::shared_ptr<const Compared> compared() const ABSL_LOCKS_EXCLUDED(mutex_);
  void SetCompared(Compared compared) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::vector<Series> series_;
  std::vector<Entity> entities_;
  absl::flat_hash_map<Id128, uint32_t> numbers_;  // of entities_
  index::LabelRows labels_;
  std::vector<index::LabelId> kept_;  // those of entities
  size_t timeline_bytes_ = 0;
  mutable Mutex mutex_;
  mutable std::shared_ptr<const Compared> compared_ ABSL_GUARDED_BY(mutex_);
};

class Selected::Builder {
 public:
  explicit Builder(const index::Matchers& matchers) : matcher_(matchers) {}

  void Reserve(size_t series) { selected_->series_.reserve(series); }
  // `series` is its ordinal. The timeline of an entity that was added before is not looked at.
  bool HasEntity(const Id128& id) const { return selected_->FindEntity(id) != nullptr; }
  void AddEntity(const Id128& id, index::TimelinePtr timeline);
  // REQUIRES: its entity was added.
  void AddSeries(uint32_t series, SeriesRow row);
  std::shared_ptr<const Selected> Finish();

 private:
  uint64_t HashOf(const Series& series) const;

  index::SeriesMatcher matcher_;
  std::shared_ptr<Selected> selected_ = std::make_shared<Selected>();
};

}  // namespace leadline::collector::store::window
