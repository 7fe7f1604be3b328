// The blocks of a window: written in pieces as flushes come, settled into long ones, read by
// series.
//
// A write reads nothing: what is there already for the same time is merged when it is read, and the
// later write wins. Settling merges the blocks of a group into one. Format: docs/format/window.md.
//
// Errors: as for Window. Threading: reads from any thread; Load, Write and Settle from one at a
// time. Ownership: the arguments outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/index/series_index.h"
#include "collector/store/window/dictionary.h"
#include "collector/store/window/group_writer.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/rolled_up.h"
#include "collector/store/window/warm_up.h"

namespace rocksdb {
class DB;
class Iterator;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// What a flush adds of a series.
struct SeriesChunks {
  index::DefinitionPtr definition;
  std::vector<chunk::Piece> pieces;  // those within other windows are left out
};

// The blocks of a group of series and a part of the window, to be read in a range of time.
class GroupRuns {
 public:
  // The place in a group of the series with the rank.
  static size_t PlaceOf(uint32_t rank) { return rank % codec::kBlockPlaces; }

  GroupRuns(int64_t start_ms, int64_t end_ms) : start_ms_(start_ms), end_ms_(end_ms) {}

  void Clear() { blocks_.clear(); }
  // Of a later write than those before; it is open.
  void Add(std::shared_ptr<chunk::Block> block);
  bool empty() const { return blocks_.empty(); }
  // Puts the pieces of the series at the place that are in the range, by what wins last, into
  // `pieces` in place of what is there.
  void Find(size_t place, std::vector<chunk::Piece>& pieces) const;

 private:
  const int64_t start_ms_;
  const int64_t end_ms_;
  std::vector<std::shared_ptr<chunk::Block>> blocks_;
};

class Blocks {
 public:
  Blocks(rocksdb::DB& db, const std::string& path, int64_t start_ms, int64_t length_ms)
      : db_(db), path_(path), start_ms_(start_ms), part_ms_(length_ms / kParts) {}

  // To be called first.
  absl::Status Load();

  // `refs` are those of `series`, each once. May be called again after an error.
  // What is written is told to `rolled_up` first.
  absl::Status Write(std::string_view tenant, absl::Span<const SeriesChunks> series,
                     absl::Span<const SeriesRef> refs, RolledUp& rolled_up);

  // Settles the parts that end before t.
  absl::Status Settle(int64_t before_ms);

  // Calls `take` with the pieces in the range of each of `series`, by number, in any order of
  // series, until it returns an error, which is passed on. Pieces of one series come by what wins
  // last.
  using TakePiece = std::function<absl::Status(size_t number, chunk::Piece piece)>;
  absl::Status Read(std::string_view tenant, absl::Span<const SeriesRef> series, int64_t start_ms,
                    int64_t end_ms, const TakePiece& take) const;
  // The same by what lies together: calls `take` with the numbers of those of `series` that are in
  // a group and with what there may be of the group in the range and a part of the window, by part.
  using TakeGroup =
      absl::FunctionRef<absl::Status(absl::Span<const size_t> numbers, const GroupRuns& runs)>;
  absl::Status ReadGroups(std::string_view tenant, absl::Span<const SeriesRef> series,
                          int64_t start_ms, int64_t end_ms, TakeGroup take) const;

  absl::StatusOr<bool> Has(std::string_view tenant, uint8_t part) const;
  // Reads the blocks of the newest part that has any: into the cache while it has room, then those
  // that follow, for the system to keep, until `go_on` gives false.
  absl::Status WarmUp(std::string_view tenant, MayReadOn has_room, MayReadOn go_on) const;

 private:
  int64_t PartStart(uint8_t part) const { return start_ms_ + part * part_ms_; }
  int64_t last_ms() const { return PartStart(kParts) - 1; }
  absl::Status ReadPart(std::string_view tenant, uint8_t part, absl::Span<const SeriesRef> series,
                        absl::Span<const size_t> order, GroupRuns& runs,
                        const std::shared_ptr<rocksdb::Iterator>& stored, TakeGroup take) const;
  absl::Status SettlePart(const std::string& tenant, uint8_t part);
  // Adds what is in the blocks of a group, by what wins last, to the writer.
  absl::Status Merge(absl::Span<const std::shared_ptr<chunk::Block>> blocks, uint8_t part,
                     GroupWriter& writer) const;
  absl::StatusOr<std::shared_ptr<chunk::Block>> Opened(std::shared_ptr<chunk::Block> block) const;
  absl::Status Damage(std::string_view what) const;

  rocksdb::DB& db_;
  const std::string& path_;
  const int64_t start_ms_;
  const int64_t part_ms_;
  uint32_t writes_ = 0;
};

}  // namespace leadline::collector::store::window
