// A window's dictionary and index: which series and entities there are, found by their labels.
//
// All of it is in rows, and a query reads those it needs; what was parsed of them stays in the
// cache that all windows share. Only writing needs more in memory (dictionary_writer.h), until
// Release.
//
// Errors: DATA_LOSS for damage, others from RocksDB. Threading: reads from any thread; Write and
// Release from one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/call_meter.h"
#include "collector/store/index/candidates.h"
#include "collector/store/index/series_index.h"
#include "collector/store/window/dictionary_reader.h"
#include "collector/store/window/dictionary_writer.h"
#include "collector/store/window/label_values.h"
#include "collector/store/window/parsed_cache.h"
#include "collector/store/window/selected.h"
#include "collector/store/window/warm_up.h"
#include "common/string_map.h"

namespace rocksdb {
class DB;
class Iterator;
}  // namespace rocksdb

namespace leadline::collector::store::window {

class Dictionary {
 public:
  // `db` outlives it; `path` is for errors.
  Dictionary(rocksdb::DB& db, std::shared_ptr<rocksdb::Cache> cache, std::string path);

  // Ordinals for `series`, in their order; what is new is in rows then. After an error it may be
  // called again.
  absl::Status Write(std::string_view tenant, absl::Span<const index::TimelinePtr> entities,
                     absl::Span<const index::DefinitionPtr> series, std::vector<SeriesRef>& refs);
  // Lets go of what only writing needs.
  void Release() { writers_.clear(); }

  // That have series here.
  absl::StatusOr<std::vector<std::string>> Tenants() const;
  // Grows when what is known of an entity changes.
  uint64_t generation() const { return generation_.load(); }

  absl::StatusOr<bool> HasEntity(std::string_view tenant, const Id128& id) const;
  absl::StatusOr<bool> HasSeriesOf(std::string_view tenant, const Id128& entity) const;
  // Series that may match, and all of the entities in `also`.
  absl::Status Find(std::string_view tenant, const index::Matchers& matchers,
                    absl::Span<const Id128> also, std::vector<SeriesRef>& out) const;
  // The same, shared with whoever asked the same since the last write, and apart from that those of
  // `also` that are not among them, null where there are none. Errors of the meter, too, which has
  // all of it.
  struct Found {
    std::shared_ptr<const Selected> shared;
    std::shared_ptr<const Selected> others;
  };
  absl::StatusOr<Found> FindShared(std::string_view tenant, const index::Matchers& matchers,
                                   absl::Span<const Id128> also, CallMeter& meter) const;
  // Null when the entity is not here, or no version of it.
  absl::StatusOr<index::TimelinePtr> Timeline(std::string_view tenant, const Id128& id) const;
  // Of every entity with a version that is known.
  absl::Status Timelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const;

  // The names of labels and the values of one, ascending, until `visit` gives false. Of entities'
  // labels all that any version ever had here.
  using Visit = absl::FunctionRef<bool(std::string_view text)>;
  absl::Status LabelNames(std::string_view tenant, index::LabelsOf whose, Visit visit) const;
  absl::Status LabelValues(std::string_view tenant, index::LabelsOf whose, std::string_view name,
                           Visit visit) const;
  // The values of a label, of series and of entities. Kept in the cache until something is written.
  // Errors of the limits, too, which have what is held while they are gathered.
  absl::StatusOr<std::shared_ptr<const LabelValueList>> TimedLabelValues(
      std::string_view tenant, std::string_view name, const CallLimits& limits) const;
  // Reads it into the cache, what is newest first, until `go_on` gives false.
  absl::Status WarmUp(std::string_view tenant, MayReadOn go_on) const;
  // The versions of entities that ever had the label here and have series, until `visit` gives
  // false.
  absl::Status EntitiesWith(std::string_view tenant, const index::LabelView& label,
                            absl::FunctionRef<bool(const index::TimelinePtr&)> visit) const;

 private:
  // Series of the entities that are here.
  static absl::Status AddSeriesOf(const DictionaryReader& rows, absl::Span<const Id128> entities,
                                  Roaring& out);
  static absl::StatusOr<std::shared_ptr<const Selected>> Select(const DictionaryReader& rows,
                                                                const index::Matchers& matchers,
                                                                const Roaring& candidates,
                                                                CallMeter& meter);
  DictionarySource Source() const {
    return {db_, cache_, path_, generation_.load(), writes_, writes_.load()};
  }
  absl::StatusOr<DictionaryWriter*> WriterOf(std::string_view tenant);
  absl::Status Damage(std::string_view what) const;

  rocksdb::DB& db_;
  const std::string path_;
  const ParsedCache cache_;
  StringMap<std::unique_ptr<DictionaryWriter>> writers_;
  // Timelines are replaced; those that were parsed before are not asked for again.
  std::atomic<uint64_t> generation_{0};
  // What is told of all rows together holds until the next write. Odd during one.
  std::atomic<uint64_t> writes_{0};
};

}  // namespace leadline::collector::store::window
