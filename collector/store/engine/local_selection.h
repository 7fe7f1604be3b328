// The series that Reader::Find found in the head and the windows; see store::Selection.
//
// What was in the head is held from the start; windows are read with each Read. So what a flush
// moves from one to the other in between is seen twice, and merged, but never missed.
//
// Threading: Add from one thread, then Read from any. Ownership: keeps the windows open.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/engine/series_labels.h"
#include "collector/store/engine/spans.h"
#include "collector/store/engine/summary_reader.h"
#include "collector/store/index/matchers.h"
#include "collector/store/store.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {

class LocalSelection final : public Selection {
 public:
  // Takes `hints` with its range within what there can be.
  LocalSelection(std::string_view tenant, const SelectHints& hints, StringSet named,
                 const WindowSet& windows, const index::Matchers& matchers);

  // What spans are of. REQUIRES: called before Add.
  FoundSet& found() { return found_; }
  const StringSet& named() const { return named_; }
  // A span of found().series()[series].
  void Add(size_t series, const Span& span);
  // After the last Add.
  void Finish();

  size_t size() const override { return groups_.size(); }
  absl::Status Read(size_t first, size_t count, UseBlock use) const override;
  ReadCounts counts() const override;
  uint64_t held_bytes() const override;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // A span of a series' time, and the next one with the same visible labels.
  struct PartOf {
    uint32_t series = 0;
    uint32_t next = kNone;
    int64_t begin_ms = 0;
    int64_t first_ms = 0;
    int64_t last_ms = 0;
    const model::EntityVersion* version = nullptr;
  };
  struct Group {
    std::shared_ptr<const LabelSet> labels;
    uint32_t first = 0;  // of parts_
  };
  using Pieces = std::vector<chunk::Piece>;
  // What one Read may cost, and has.
  struct Reading {
    chunk::ReadBudget budget;
    ReadCounts counts;
  };
  using Place = std::tuple<uint32_t, uint32_t, uint32_t>;  // window, metric, rank

  Place PlaceOf(const Group& group) const;
  LabelsOf LabelsOfPart(const PartOf& part) const {
    const FoundSeries& series = found_.series()[part.series];
    return {*series.definition, part.version, found_.TimelineOf(series), found_.OneSetOf(series)};
  }
  // Puts the part in front of those with its labels that win over it.
  void Link(uint32_t number, Group& group);
  absl::Status CheckTime() const;
  // The windows' pieces of each part, by its place among `parts`.
  absl::Status ReadWindows(absl::Span<const uint32_t> parts, std::vector<Pieces>& pieces) const;
  // `pieces` of the group's parts; left behind them.
  absl::Status ReadGroup(const Group& group, Pieces*& pieces, Reading& reading,
                         SeriesBlock& block) const;
  // `alone`: the group has no other part.
  absl::Status ReadPart(const PartOf& part, bool alone, Pieces& pieces, Reading& reading,
                        SeriesBlock& block) const;
  void DescribePart(const PartOf& part, SeriesBlock& block) const;

  // Rollups and samples; see summary_selection.cc.
  bool is_summary() const { return !found_.zones().empty(); }
  absl::Status ReadSummaries(size_t first, size_t count, UseBlock use) const;
  // Of a part with rollups.
  std::vector<Zone> ZonesOfPart(const PartOf& part, absl::Span<const uint32_t> group,
                                int64_t samples_from_ms) const;
  bool AreAtOdds(absl::Span<const uint32_t> group, absl::Span<const SummaryPart> parts) const;

  const std::string tenant_;
  const SelectHints hints_;
  const StringSet named_;
  FoundSet found_;  // refers to tenant_
  SeriesLabels labels_;
  std::vector<PartOf> parts_;
  bool split_ = false;  // a series has several parts
  std::vector<Group> groups_;
  absl::flat_hash_map<uint64_t, uint32_t> by_hash_;  // groups, by their labels' hash or the next
  const WindowSet& windows_;
  const SummaryReader summary_reader_;  // refers to what is above
  mutable std::atomic<uint64_t> minutes_ = 0;
  mutable std::atomic<uint64_t> hours_ = 0;
  mutable std::atomic<uint64_t> inexact_ = 0;
  mutable std::atomic<uint64_t> chunks_ = 0;
  mutable std::atomic<uint64_t> bytes_ = 0;
  mutable std::atomic<uint64_t> samples_ = 0;
};

}  // namespace leadline::collector::store::engine
