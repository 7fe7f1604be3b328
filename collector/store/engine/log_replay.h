// Applies what the log's frames hold to some of the head's shards.
//
// Several of them, each on a thread of its own, share the shards out: each sees every frame in the
// log's order and takes what is of its shards, so that what of the log belongs together stays in
// order. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "collector/store/engine/handle_map.h"
#include "collector/store/engine/metrics.h"
#include "collector/store/engine/record_labels.h"
#include "collector/store/engine/recovery.h"
#include "collector/store/head/head.h"
#include "collector/store/log/record.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

// Shards `number`, `number + count`, ... are one's.
struct ReplayPart {
  size_t number = 0;
  size_t count = 1;

  bool Has(size_t shard) const { return shard % count == number; }
};

// What of a log's frame matters here.
struct ReplayedFrame {
  std::string_view payload;
  uint64_t segment = 0;
  uint32_t run = 0;
  bool behind_damage = false;  // definitions may be lost
};

class LogReplay final : private log::RecordVisitor {
 public:
  LogReplay(const ReplayOptions& options, ReplayPart part, head::Head& head, Metrics& metrics);

  // DATA_LOSS for a frame with something that could not be applied; what could was.
  absl::Status Apply(const ReplayedFrame& frame);

  // By segment, of all samples in what was applied; only of the first part.
  const std::map<uint64_t, TimeRange>& times() const { return times_; }
  // Of samples that were left out since nobody knows their series.
  const std::optional<TimeRange>& undefined() const { return undefined_; }

 private:
  void Visit(const log::SeriesRows& series) override;
  // Own series that are wanted, under their handles in the head.
  void Choose(std::string_view tenant, std::vector<SeriesHandle>& series,
              absl::Span<uint32_t> numbers) override;
  void Visit(log::BatchRecord& record, uint64_t missed_samples) override;
  void Visit(log::EntitiesRecord& record) override;
  void Visit(log::KeyedRecords& record) override;

  // Whether this segment has something of the shard, that of the head that wrote the log. A head
  // with another number of shards that wrote to it since has nothing in windows yet.
  bool IsWanted(size_t shard) const { return shard >= wanted_.size() || wanted_[shard]; }
  bool IsOwn(const model::EntityVersion& version) const;
  void AddPending(size_t shard, std::string_view tenant);
  // The definition of a row.
  index::DefinitionPtr Intern(const log::SeriesRows& series, const log::SeriesRows::Row& row);
  void AddEntities(const std::string& tenant, const WriteBatch& batch);
  void NoteTimes(const WriteBatch& batch, bool has_missed);

  // Series of a shard that are defined together.
  struct Pending {
    std::vector<SeriesHandle> handles;
    std::vector<index::DefinitionPtr> definitions;
  };

  const ReplayOptions& options_;
  const ReplayPart part_;
  head::Head& head_;
  Metrics& metrics_;
  log::RecordReader reader_;
  std::vector<bool> wanted_;    // by shard, of this segment
  bool behind_damage_ = false;  // definitions may be lost
  uint32_t run_ = 0;
  uint64_t segment_ = 0;
  std::map<uint64_t, TimeRange> times_;
  std::optional<TimeRange> undefined_;
  HandleMap handles_;             // of the run, those of own series
  std::vector<Pending> pending_;  // by shard
  RecordLabels labels_;           // of a record of series
  absl::Status chosen_;           // of this batch: whether all were known
  absl::Status applied_;          // of this frame
};

}  // namespace leadline::collector::store::engine
