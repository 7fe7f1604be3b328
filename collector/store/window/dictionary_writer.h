// Gives ordinals to what comes to a window, and the rows that say so.
//
// It holds in memory what the window knows of one tenant: 21 to 27 bytes a series beside the
// definition, which is shared with whoever else has it. So it is made (from rows) when a window is
// first written to, and let go when it is not written to any more. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/types/span.h"

#include "collector/store/index/series_index.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/series_block.h"
#include "common/id128.h"
#include "common/labels.h"
#include "common/string_map.h"

namespace leadline::collector::store::window {

// A series of the window, for reading.
struct SeriesRef {
  index::DefinitionPtr definition;
  index::TimelinePtr timeline;  // null when no version is known
  uint32_t metric = 0;
  uint32_t series = 0;
  uint32_t rank = 0;  // among the metric's, as they came
};

// Where the rows of a write go; postings are added to what is there.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Merge(std::string_view key, std::string_view value) = 0;
};

class DictionaryWriter {
 public:
  explicit DictionaryWriter(std::string_view tenant) : tenant_(tenant) {}
  DictionaryWriter(const DictionaryWriter&) = delete;
  DictionaryWriter& operator=(const DictionaryWriter&) = delete;

  // Takes a row in, of the tables of entities, metrics and series, in the order of the keys. False
  // when it is not what may come next.
  bool Load(Table table, uint32_t ordinal, std::string_view value);

  // With what is known of the entity already.
  void AddEntity(const index::TimelinePtr& timeline, RowSink& sink);
  // New or known; the result has no timeline.
  SeriesRef AddSeries(const index::DefinitionPtr& definition, RowSink& sink);
  // The rows that gathered: blocks of series, postings. Last in every write.
  void Finish(RowSink& sink);

  // Whether an entity that was known got another row since this was asked last.
  bool TakeEntitiesChanged() { return std::exchange(entities_changed_, false); }

 private:
  struct Entity {
    Id128 id;
    index::TimelinePtr timeline;
  };

  struct Series {
    index::DefinitionPtr definition;
    uint32_t metric = 0;  // its ordinal
    uint32_t rank = 0;    // among the metric's
  };
  // A deque, since a vector of so many is twice as large while it grows.
  using AllSeries = std::deque<Series>;
  // Ordinals by the definitions' addresses.
  struct HashSeries {
    using is_transparent = void;
    const AllSeries* series;
    size_t operator()(const index::Definition* definition) const {
      return absl::HashOf(definition);
    }
    size_t operator()(uint32_t ordinal) const {
      return (*this)((*series)[ordinal].definition.get());
    }
  };
  struct EqualSeries {
    using is_transparent = void;
    const AllSeries* series;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t ordinal, const index::Definition* definition) const {
      return (*series)[ordinal].definition.get() == definition;
    }
  };

  uint32_t EntityOf(const Id128& id, RowSink& sink);
  uint32_t MetricOf(const index::Definition& definition, RowSink& sink);
  void PostVersions(const model::EntityTimeline& timeline, const model::EntityTimeline* known,
                    uint32_t entity);

  const std::string tenant_;
  std::vector<Entity> entities_;
  absl::flat_hash_map<Id128, uint32_t> entity_ordinals_;
  StringMap<uint32_t> metric_ordinals_;
  std::vector<uint32_t> metric_sizes_;  // by metric ordinal: how many series
  AllSeries series_;                    // by ordinal
  absl::flat_hash_set<uint32_t, HashSeries, EqualSeries> series_ordinals_{0, HashSeries{&series_},
                                                                          EqualSeries{&series_}};
  bool entities_changed_ = false;

  // Of this write.
  std::vector<SeriesRow> new_series_;  // the last of series_
  absl::flat_hash_map<index::LabelId, std::vector<uint32_t>> by_series_label_;
  std::map<Label, std::vector<uint32_t>> by_entity_label_;
  absl::flat_hash_map<uint32_t, std::vector<uint32_t>> by_entity_;
};

}  // namespace leadline::collector::store::window
