// What a call reads of a window's dictionary: the rows of one tenant, by one iterator, so that it
// sees one state of the window. Internal to collector/store/window.
//
// Errors: DATA_LOSS for damage, others from RocksDB. Not synchronized.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <roaring/roaring.hh>

#include "collector/store/call_meter.h"
#include "collector/store/index/candidates.h"
#include "collector/store/index/series_index.h"
#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/label_values.h"
#include "collector/store/window/parsed_cache.h"
#include "collector/store/window/series_cell.h"
#include "collector/store/window/warm_up.h"
#include "common/id128.h"

namespace rocksdb {
class DB;
class Iterator;
struct ReadOptions;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// What a reader needs of the dictionary, which outlives it.
struct DictionarySource {
  rocksdb::DB& db;
  const ParsedCache& cache;
  const std::string& path;
  // What was parsed under other numbers is not asked for again.
  uint64_t entities;  // rises when an entity's row is replaced
  // Rises with every write, before and after: odd while one is going on.
  const std::atomic<uint64_t>& writes_now;
  uint64_t writes = 0;  // as it was before the reader
};

class DictionaryReader final : public index::PostingsSource {
 public:
  // `tenant` outlives it.
  DictionaryReader(const DictionarySource& source, std::string_view tenant);
  DictionaryReader(const DictionarySource& source, std::string_view tenant,
                   const rocksdb::ReadOptions& options);
  ~DictionaryReader() override;

  absl::Status AddAllSeries(Roaring& out) const override;
  absl::Status AddWithLabel(index::LabelsOf whose, const index::LabelView& label,
                            Roaring& out) const override;
  absl::Status AddWithValues(index::LabelsOf whose, std::string_view name, std::string_view prefix,
                             Wanted wanted, Roaring& out) const override;
  absl::Status AddSeriesOf(const Roaring& entities, const Roaring* within,
                           Roaring& out) const override;

  absl::StatusOr<std::optional<uint32_t>> EntityOf(const Id128& id) const;
  // The entity's series.
  absl::Status AddSeriesOf(uint32_t entity, Roaring& out) const;
  absl::StatusOr<SeriesRow> SeriesAt(uint32_t series) const;
  // Null when no version is known.
  absl::StatusOr<index::TimelinePtr> TimelineOf(uint32_t entity) const;
  absl::Status EachTimeline(std::vector<index::TimelinePtr>& out) const;
  // Until `visit` gives false.
  using Visit = absl::FunctionRef<bool(std::string_view text)>;
  absl::Status EachName(index::LabelsOf whose, Visit visit) const;
  absl::Status EachValue(index::LabelsOf whose, std::string_view name, Visit visit) const;
  // Errors of the limits, too.
  absl::StatusOr<std::shared_ptr<const LabelValueList>> TimedValues(std::string_view name,
                                                                    const CallLimits& limits) const;
  // Until `go_on` gives false.
  absl::Status WarmUp(MayReadOn go_on) const;

 private:
  // The rows of the series of kMaxBlockSeries entities, one after the other, and where each ends.
  struct EntityCell {
    std::string rows;
    std::array<uint32_t, kMaxBlockSeries> ends{};

    std::string_view RowOf(uint32_t entity) const {
      const uint32_t place = entity % kMaxBlockSeries;
      const uint32_t begin = place == 0 ? 0 : ends[place - 1];
      return std::string_view(rows).substr(begin, ends[place] - begin);
    }
  };

  absl::Status Ended() const;
  absl::Status Damage(std::string_view what) const;
  absl::Status BadEntity() const;
  absl::Status BadPostings() const;

  // Until `visit` gives false or an error.
  absl::Status EachLabel(const std::string& prefix,
                         absl::FunctionRef<absl::StatusOr<bool>(const ParsedLabel&)> visit) const;
  absl::Status EachRow(Table table, absl::FunctionRef<absl::Status(uint32_t ordinal)> visit) const;
  absl::StatusOr<std::optional<uint32_t>> LastOrdinal(Table table) const;
  // As Seek; quicker where the key is that of the next row.
  void MoveTo(const std::string& key) const;
  absl::Status AddRow(const std::string& key, Roaring& out) const;
  absl::StatusOr<index::TimelinePtr> ParsedTimeline() const;
  // All series whose ordinals are in the same cell of kMaxBlockSeries; has at least that one.
  absl::StatusOr<std::shared_ptr<const SeriesCell>> CellOf(uint32_t series) const;
  // Sets cell_ to that.
  absl::Status FindCell(uint32_t series) const;
  // Null when it is not in the cache, which it then comes to if `reads`, or while there is a write.
  absl::StatusOr<std::shared_ptr<const EntityCell>> EntityCellOf(uint32_t entity, bool reads) const;
  absl::StatusOr<std::shared_ptr<const Roaring>> EntitiesWithSeries(CallMeter& meter) const;
  absl::StatusOr<std::vector<LabelValue>> TimedEntityValues(std::string_view name,
                                                            CallMeter& meter) const;
  // Of what is kept until the next write.
  std::string CacheKey(std::string_view what, std::string_view name) const;

  const DictionarySource source_;
  const std::string_view tenant_;
  const std::unique_ptr<rocksdb::Iterator> rows_;
  // What other readers have found under the same number of writes is what this one would find.
  const bool is_one_state_;
  mutable std::shared_ptr<const SeriesCell> cell_;  // that was looked at last
  mutable uint32_t cell_number_ = 0;
};

}  // namespace leadline::collector::store::window
