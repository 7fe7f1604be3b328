// A block of a window's series (series_block.h) as readers keep it: of a series that nobody asked
// for there is no definition, since of a block most queries want one series or two.
//
// Threading: any thread. Immutable but for the definitions that it keeps once they are made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "collector/store/index/label_table.h"
#include "collector/store/window/series_block.h"
#include "common/bytes.h"
#include "common/id128.h"
#include "common/mutex.h"

namespace leadline::collector::store::window {

class SeriesCell {
 public:
  SeriesCell() = default;
  ~SeriesCell();
  SeriesCell(const SeriesCell&) = delete;
  SeriesCell& operator=(const SeriesCell&) = delete;

  // The series of a block, behind those that there are. False for what is malformed; then the cell
  // is only to be destroyed.
  bool Add(std::string_view block);

  // By place.
  size_t size() const { return series_.size(); }
  uint32_t EntityOf(size_t i) const { return entities_[series_[i].entity].ordinal; }
  SeriesRow At(size_t i) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Of memory, with what it keeps of definitions, but not these.
  size_t bytes() const;

 private:
  struct Series {
    uint32_t metric = 0;  // its ordinal
    uint32_t rank = 0;
    uint32_t entity = 0;      // in entities_
    uint32_t labels_end = 0;  // in labels_of_series_; they begin where those of the one before end
  };
  struct Entity {
    uint32_t ordinal = 0;
    Id128 id;
  };
  // Of a block that is read.
  struct Block;

  bool ReadLabels(ByteReader& reader, Block& block);
  bool ReadSeries(ByteReader& reader, Block& block);
  bool ReadLabelsOfSeries(ByteReader& reader, const Block& block);

  std::vector<index::LabelId> labels_;  // that the blocks have, referred to
  std::vector<Entity> entities_;
  std::vector<Series> series_;
  std::vector<index::LabelId> labels_of_series_;
  mutable Mutex mutex_;
  mutable std::vector<index::DefinitionPtr> definitions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::window
