#include "collector/store/engine/summary_reader.h"

#include <algorithm>
#include <limits>
#include <string>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr double kAsValuesTell = std::numeric_limits<double>::quiet_NaN();

template <typename Value>
void AppendTo(std::vector<Value>& to, std::vector<Value>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// Samples that stand for themselves.
void AppendSamples(chunk::MergedSamples& samples, SeriesBlock& block) {
  block.counts.resize(block.counts.size() + samples.floats.size(), 1);
  block.lost.resize(block.lost.size() + samples.floats.size(), kAsValuesTell);
  block.histogram_counts.resize(block.histogram_counts.size() + samples.histograms.size(), 1);
  AppendTo(block.ts_ms, samples.floats.ts_ms);
  AppendTo(block.values, samples.floats.values);
  AppendTo(block.histogram_ts_ms, samples.histograms.ts_ms);
  AppendTo(block.histograms, samples.histograms.values);
}

void NoteRolled(const std::vector<int64_t>& ts_ms, SummaryPart& part) {
  if (ts_ms.empty()) return;
  part.rolled_from_ms = std::min(part.rolled_from_ms, ts_ms.front());
  part.rolled_to_ms = std::max(part.rolled_to_ms, ts_ms.back());
}

// What is next in time of the zone.
void AppendSummary(const Zone& zone, rollup::SummarySamples& summary, SummaryPart& part) {
  (zone.source == RetentionClass::kMinutes ? part.minutes : part.hours) += summary.buckets;
  if (summary.inexact > 0) {
    part.inexact_buckets += summary.inexact;
    if (part.inexact.empty() || part.inexact.back() != zone) part.inexact.push_back(zone);
  }
  NoteRolled(summary.samples.floats.ts_ms, part);
  NoteRolled(summary.samples.histograms.ts_ms, part);
  SeriesBlock& block = part.block;
  AppendTo(block.ts_ms, summary.samples.floats.ts_ms);
  AppendTo(block.values, summary.samples.floats.values);
  AppendTo(block.counts, summary.counts);
  AppendTo(block.lost, summary.lost);
  AppendTo(block.histogram_ts_ms, summary.samples.histograms.ts_ms);
  AppendTo(block.histograms, summary.samples.histograms.values);
  AppendTo(block.histogram_counts, summary.histogram_counts);
}

}  // namespace

absl::Status SummaryReader::Read(absl::Span<SummaryPart* const> parts,
                                 chunk::ReadBudget& budget) const {
  // Zones that several parts have are read of all at once; in the order of time.
  std::map<Zone, Parts> by_zone;
  for (SummaryPart* const part : parts) {
    SummaryPart empty{
        .series = part->series, .has_rollups = part->has_rollups, .zones = std::move(part->zones)};
    *part = std::move(empty);
    for (const Zone& zone : part->zones) by_zone[zone].push_back(part);
  }
  for (const auto& [zone, of_zone] : by_zone) {
    LL_RETURN_IF_ERROR(IsRollup(zone.source) ? ReadRollups(zone, of_zone, budget)
                                             : ReadSamples(zone, of_zone, budget));
  }
  return absl::OkStatus();
}

absl::Status SummaryReader::ReadRollups(const Zone& zone, absl::Span<SummaryPart* const> parts,
                                        chunk::ReadBudget& budget) const {
  const Summary summary = hints_.rollups.summary;
  rollup::SummarySamples samples;
  for (size_t number = 0; number < found_.windows().size(); ++number) {
    const FoundSet::WindowSeries& window = found_.windows()[number];
    if (window.id.retention != zone.source || LastMs(window.id) + 1 < zone.first_ms ||
        window.id.start_ms > zone.last_ms) {
      continue;
    }
    std::vector<window::SeriesRef> refs;
    Parts of_refs;
    for (SummaryPart* const part : parts) {
      for (const FoundSeries::WindowPlace& at : found_.series()[part->series].windows) {
        if (at.window != number) continue;
        refs.push_back(window.selected->series()[at.number].ref());
        of_refs.push_back(part);
      }
    }
    if (refs.empty()) continue;
    const auto use = [&](size_t ref, const rollup::Buckets& buckets) {
      const absl::Status read =
          rollup::Summarize(summary, buckets, ResolutionMs(zone.source), samples);
      if (!read.ok()) {
        return window::DamagedWindow(window.window->path(), std::string(read.message()));
      }
      AppendSummary(zone, samples, *of_refs[ref]);
      return absl::OkStatus();
    };
    LL_RETURN_IF_ERROR(window.window->ReadBuckets(tenant_, refs, rollup::ColumnsOf(summary),
                                                  zone.first_ms, zone.last_ms, budget, use));
  }
  return absl::OkStatus();
}

absl::Status SummaryReader::ReadSamples(const Zone& zone, absl::Span<SummaryPart* const> parts,
                                        chunk::ReadBudget& budget) const {
  std::vector<std::vector<chunk::Piece>> pieces(parts.size());
  const auto read = [&](const window::Window& window, absl::Span<const window::SeriesRef> refs,
                        const std::vector<size_t>& places) {
    return window.Read(tenant_, refs, zone.first_ms, zone.last_ms,
                       [&](size_t ref, chunk::Piece piece) {
                         pieces[places[ref]].push_back(std::move(piece));
                         return absl::OkStatus();
                       });
  };
  std::vector<window::SeriesRef> refs;
  std::vector<size_t> places;
  for (size_t number = 0; number < found_.windows().size(); ++number) {
    const FoundSet::WindowSeries& window = found_.windows()[number];
    if (IsRollup(window.id.retention) || LastMs(window.id) < zone.first_ms ||
        window.id.start_ms > zone.last_ms) {
      continue;
    }
    refs.clear();
    places.clear();
    for (size_t place = 0; place < parts.size(); ++place) {
      for (const FoundSeries::WindowPlace& at : found_.series()[parts[place]->series].windows) {
        if (at.window != number) continue;
        refs.push_back(window.selected->series()[at.number].ref());
        places.push_back(place);
      }
    }
    if (!refs.empty()) LL_RETURN_IF_ERROR(read(*window.window, refs, places));
  }
  const bool may_be_late = std::any_of(parts.begin(), parts.end(),
                                       [](const SummaryPart* part) { return part->has_rollups; });
  for (const auto& [id, opened] : windows_.OverlappingById(zone.first_ms, zone.last_ms)) {
    if (!may_be_late) break;
    if (id.retention != RetentionClass::kRaw || found_.WasGathered(id)) continue;
    LL_ASSIGN_OR_RETURN(const auto late, LateWindowOf(id));
    if (late == nullptr) continue;
    refs.clear();
    places.clear();
    for (size_t place = 0; place < parts.size(); ++place) {
      const auto it = late->by_definition.find(found_.series()[parts[place]->series].definition);
      if (it == late->by_definition.end()) continue;
      refs.push_back(late->refs[it->second]);
      places.push_back(place);
    }
    if (!refs.empty()) LL_RETURN_IF_ERROR(read(*late->window, refs, places));
  }
  chunk::MergedSamples merged;
  for (size_t place = 0; place < parts.size(); ++place) {
    const FoundSeries& series = found_.series()[parts[place]->series];
    for (const chunk::Piece& piece : series.head_pieces) {
      if (chunk::Overlaps(piece, zone.first_ms, zone.last_ms)) pieces[place].push_back(piece);
    }
    LL_RETURN_IF_ERROR(
        chunk::MergePieces(pieces[place], {zone.first_ms, zone.last_ms}, budget, merged));
    AppendSamples(merged, parts[place]->block);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const SummaryReader::LateWindow>> SummaryReader::LateWindowOf(
    const WindowId& id) const {
  MutexLock lock(mutex_);
  std::shared_ptr<const LateWindow>& late = late_[id];
  if (late != nullptr) return late;
  auto window = windows_.FindShown(id);
  if (window == nullptr) return late;
  auto made = std::make_shared<LateWindow>();
  made->window = std::move(window);
  LL_RETURN_IF_ERROR(made->window->dictionary().Find(tenant_, matchers_, {}, made->refs));
  for (size_t i = 0; i < made->refs.size(); ++i) {
    made->by_definition[made->refs[i].definition.get()] = i;
  }
  late = std::move(made);
  return late;
}

}  // namespace leadline::collector::store::engine
