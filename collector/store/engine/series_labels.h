// The label sets that a query sees: each shown set one object, and a hash of all visible labels to
// tell which series are one, without making a set of each.
//
// What an entity's version gives is computed once. One query, one thread; the arguments' strings
// outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"

#include "collector/model/entity.h"
#include "collector/model/entity_timeline.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/index/definition.h"
#include "collector/store/store.h"
#include "common/labels.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {

// A series with a version of its entity; null where none is known. `timeline`, if it is known, is
// what the version is of; `one_set`, where a window says all of the series' labels.
struct LabelsOf {
  const index::Definition& definition;
  const model::EntityVersion* version;
  const model::EntityTimeline* timeline = nullptr;
  FoundSet::OneSet one_set;
};

// Exactly, label by label. `named`: the Kubernetes labels that are visible.
bool SameVisibleLabels(const LabelsOf& a, const LabelsOf& b, const StringSet& named);

class SeriesLabels {
 public:
  using LabelsPtr = std::shared_ptr<const LabelSet>;

  SeriesLabels(const ShownLabels& shown, const StringSet& named);

  // Equal for equal visible labels.
  uint64_t Hash(const LabelsOf& series);
  LabelsPtr Shown(const LabelsOf& series);

 private:
  struct HashedLabel {
    std::string_view name;
    uint64_t hash = 0;
    bool shown = false;
  };
  // What the version gives to all of its entity's series.
  struct Base {
    std::vector<HashedLabel> labels;  // by name
    uint64_t hash = 0;
    uint64_t shown_hash = 0;
  };
  struct Hashes {
    uint64_t all = 0;
    uint64_t shown = 0;
  };
  // Which labels of a row are shown.
  struct Pick {
    bool is_own = false;  // the series', or its entity's
    uint32_t place = 0;
  };
  using Picks = std::vector<Pick>;
  using Ids = absl::InlinedVector<index::LabelId, 6>;

  bool Shows(std::string_view name) const;
  // What the version's labels come to, where that is known without looking at them and the series
  // has no labels that could hide some.
  std::optional<uint64_t> KnownHash(const LabelsOf& series) const;
  uint64_t ShownHash(const LabelsOf& series);
  const Base& BaseOf(const model::EntityVersion* version);
  Hashes HashesOf(const LabelsOf& series);
  bool IsShown(const LabelSet& set, const LabelsOf& series) const;
  // By rows of ids, without a look at what they are of.
  const Picks& PicksOf(const FoundSet::OneSet& series);
  Ids ShownIds(const FoundSet::OneSet& series);
  LabelsPtr ShownByHash(uint64_t hash, const LabelsOf& series);
  LabelSet MakeShown(const LabelsOf& series) const;

  const ShownLabels& shown_;
  const StringSet& named_;
  absl::flat_hash_map<const model::EntityVersion*, std::unique_ptr<Base>> bases_;
  absl::flat_hash_map<uint64_t, LabelsPtr>
      sets_;  // by hash of what is shown, or the next that is free
  absl::flat_hash_map<Ids, LabelsPtr> by_ids_;  // some of sets_
  using Shapes = std::tuple<const window::Selected*, uint32_t, uint32_t>;
  absl::flat_hash_map<Shapes, std::unique_ptr<const Picks>> picks_;
  Shapes last_shapes_;
  const Picks* last_picks_ = nullptr;
};

}  // namespace leadline::collector::store::engine
