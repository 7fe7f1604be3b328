#include "collector/store/engine/local_selection.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "collector/store/engine/joining.h"
#include "common/clock.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {

LocalSelection::LocalSelection(std::string_view tenant, const SelectHints& hints, StringSet named,
                               const WindowSet& windows, const index::Matchers& matchers)
    : tenant_(tenant),
      hints_(hints),
      named_(std::move(named)),
      found_(tenant_, hints_.start_ms, hints_.end_ms),
      labels_(hints_.shown, named_),
      windows_(windows),
      summary_reader_(tenant_, hints_, found_, windows, matchers) {}

void LocalSelection::Add(size_t series, const Span& span) {
  const auto number = static_cast<uint32_t>(parts_.size());
  split_ |= number > 0 && parts_.back().series == series;
  const PartOf& part = parts_.emplace_back(PartOf{.series = static_cast<uint32_t>(series),
                                                  .begin_ms = span.begin_ms,
                                                  .first_ms = span.first_ms,
                                                  .last_ms = span.last_ms,
                                                  .version = span.version});
  const LabelsOf labels = LabelsOfPart(part);
  for (uint64_t hash = labels_.Hash(labels);; ++hash) {
    const auto [it, is_new] = by_hash_.try_emplace(hash, static_cast<uint32_t>(groups_.size()));
    if (is_new) {
      groups_.push_back({labels_.Shown(labels), number});
      return;
    }
    Group& group = groups_[it->second];
    if (!SameVisibleLabels(LabelsOfPart(parts_[group.first]), labels, named_)) continue;
    Link(number, group);
    return;
  }
}

// Ascending by when the labels came into force, then by entity: each wins over those before.
void LocalSelection::Link(uint32_t number, Group& group) {
  const auto key = [&](uint32_t part) {
    return std::tuple(parts_[part].begin_ms,
                      found_.series()[parts_[part].series].definition->entity(), part);
  };
  uint32_t* link = &group.first;
  while (*link != kNone && key(*link) < key(number)) link = &parts_[*link].next;
  parts_[number].next = *link;
  *link = number;
}

// Where the samples of its first part begin to lie: series with places next to each other are in
// one block of a window, which is read once if they are read together.
LocalSelection::Place LocalSelection::PlaceOf(const Group& group) const {
  const FoundSeries& series = found_.series()[parts_[group.first].series];
  if (series.windows.empty()) return {UINT32_MAX, 0, 0};
  const FoundSeries::WindowPlace& at = series.windows.front();
  const window::Selected::Series& place = found_.windows()[at.window].selected->series()[at.number];
  return {at.window, place.metric, place.rank};
}

void LocalSelection::Finish() {
  by_hash_ = {};
  if (hints_.sorted) {
    std::sort(groups_.begin(), groups_.end(),
              [](const Group& a, const Group& b) { return *a.labels < *b.labels; });
    return;
  }
  std::vector<std::pair<Place, uint32_t>> places;
  places.reserve(groups_.size());
  for (uint32_t i = 0; i < groups_.size(); ++i) places.emplace_back(PlaceOf(groups_[i]), i);
  if (std::is_sorted(places.begin(), places.end())) return;
  std::sort(places.begin(), places.end());
  std::vector<Group> ordered;
  ordered.reserve(groups_.size());
  for (const auto& [place, group] : places) ordered.push_back(std::move(groups_[group]));
  groups_ = std::move(ordered);
}

absl::Status LocalSelection::CheckTime() const {
  if (hints_.cancelled != nullptr && hints_.cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("the query was canceled while reading samples");
  }
  if (hints_.deadline != absl::InfiniteFuture() && SteadyNow() > hints_.deadline) {
    return absl::DeadlineExceededError("the query ran out of time while reading samples");
  }
  return absl::OkStatus();
}

absl::Status LocalSelection::ReadWindows(absl::Span<const uint32_t> parts,
                                         std::vector<Pieces>& pieces) const {
  // A series whose labels changed has several parts; windows give each series once.
  absl::flat_hash_map<uint32_t, size_t> first_places;
  std::vector<std::pair<size_t, size_t>> copies;  // place, and that of the series' first part
  for (size_t place = 0; split_ && place < parts.size(); ++place) {
    const auto [it, is_first] = first_places.try_emplace(parts_[parts[place]].series, place);
    if (!is_first) copies.emplace_back(place, it->second);
  }
  std::vector<window::SeriesRef> refs;
  std::vector<size_t> places;  // in `pieces`
  refs.reserve(parts.size());
  places.reserve(parts.size());
  uint64_t certain = 0;
  for (size_t number = 0; number < found_.windows().size(); ++number) {
    const FoundSet::WindowSeries& window = found_.windows()[number];
    refs.clear();
    places.clear();
    for (size_t place = 0; place < parts.size(); ++place) {
      const uint32_t series = parts_[parts[place]].series;
      if (split_ && first_places[series] != place) continue;
      for (const FoundSeries::WindowPlace& at : found_.series()[series].windows) {
        if (at.window != number) continue;
        refs.push_back(window.selected->series()[at.number].ref());
        places.push_back(place);
      }
    }
    if (refs.empty()) continue;
    const auto take = [&](size_t ref, chunk::Piece piece) {
      const auto [first_ms, last_ms] = chunk::SpanOf(piece);
      if (first_ms >= hints_.start_ms && last_ms <= hints_.end_ms) {
        certain += chunk::CountOf(piece);
      }
      if (certain > hints_.max_samples) {
        return absl::ResourceExhaustedError(fmt::format(
            "the query reads more than {} samples, which is its limit", hints_.max_samples));
      }
      pieces[places[ref]].push_back(std::move(piece));
      return absl::OkStatus();
    };
    LL_RETURN_IF_ERROR(window.window->Read(tenant_, refs, hints_.start_ms, hints_.end_ms, take));
    LL_RETURN_IF_ERROR(CheckTime());
  }
  for (const auto& [place, first] : copies) pieces[place] = pieces[first];
  return absl::OkStatus();
}

absl::Status LocalSelection::ReadPart(const PartOf& part, bool alone, Pieces& pieces,
                                      Reading& reading, SeriesBlock& block) const {
  const FoundSeries& series = found_.series()[part.series];
  pieces.insert(pieces.end(), series.head_pieces.begin(), series.head_pieces.end());
  chunk::MergedSamples samples{{std::move(block.ts_ms), std::move(block.values)},
                               {std::move(block.histogram_ts_ms), std::move(block.histograms)},
                               std::nullopt};
  const bool ends = part.last_ms < hints_.end_ms;  // with a marker, which columns have not
  const codec::Wanted wanted{.start_ms = part.first_ms,
                             .end_ms = part.last_ms,
                             .presence = hints_.presence,
                             .columns = hints_.columns && alone && !ends,
                             .apart_ms = alone ? hints_.range_ms : 0};
  LL_RETURN_IF_ERROR(chunk::MergePieces(pieces, wanted, reading.budget, samples));
  DescribePart(part, block);
  block.ts_ms = std::move(samples.floats.ts_ms);
  block.values = std::move(samples.floats.values);
  block.histogram_ts_ms = std::move(samples.histograms.ts_ms);
  block.histograms = std::move(samples.histograms.values);
  block.columns = nullptr;
  if (samples.columns.has_value()) {
    block.columns = std::make_shared<const model::HistogramColumns>(*std::move(samples.columns));
  }
  if (ends) EndAt(part.last_ms + 1, block);
  for (const chunk::Piece& piece : pieces) reading.counts.bytes += chunk::EncodedBytes(piece);
  reading.counts.chunks += pieces.size();
  reading.counts.samples += block.sample_count();
  return absl::OkStatus();
}

void LocalSelection::DescribePart(const PartOf& part, SeriesBlock& block) const {
  const FoundEntity& entity = found_.entities()[found_.series()[part.series].entity];
  block.entity = entity.id;
  block.entity_start_ms = entity.start_ms;
  block.entity_end_ms = entity.end_ms;
}

absl::Status LocalSelection::Read(size_t first, size_t count, UseBlock use) const {
  LL_RETURN_IF_ERROR(CheckTime());
  if (is_summary()) return ReadSummaries(first, count, use);
  std::vector<uint32_t> parts;
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t part = groups_[first + i].first; part != kNone; part = parts_[part].next) {
      parts.push_back(part);
    }
  }
  std::vector<Pieces> pieces(parts.size());
  LL_RETURN_IF_ERROR(ReadWindows(parts, pieces));
  Reading reading{chunk::ReadBudget(hints_.max_samples, hints_.deadline), {}};
  Pieces* next = pieces.data();
  SeriesBlock block;
  for (size_t i = 0; i < count; ++i) {
    LL_RETURN_IF_ERROR(ReadGroup(groups_[first + i], next, reading, block));
    if (!block.empty()) LL_RETURN_IF_ERROR(use(block));
  }
  chunks_.fetch_add(reading.counts.chunks, std::memory_order_relaxed);
  bytes_.fetch_add(reading.counts.bytes, std::memory_order_relaxed);
  samples_.fetch_add(reading.counts.samples, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status LocalSelection::ReadGroup(const Group& group, Pieces*& pieces, Reading& reading,
                                       SeriesBlock& block) const {
  const PartOf& first = parts_[group.first];
  LL_RETURN_IF_ERROR(ReadPart(first, first.next == kNone, *pieces++, reading, block));
  Part joined{first.begin_ms, std::move(block)};
  for (uint32_t part = first.next; part != kNone; part = parts_[part].next) {
    Part newer{parts_[part].begin_ms, {}};
    LL_RETURN_IF_ERROR(ReadPart(parts_[part], /*alone=*/false, *pieces++, reading, newer.block));
    if (newer.block.empty()) continue;
    if (joined.block.empty()) {
      joined = std::move(newer);
    } else {
      Join(std::move(newer), hints_.start_ms, joined);
    }
  }
  block = std::move(joined.block);
  block.labels = group.labels;
  return absl::OkStatus();
}

uint64_t LocalSelection::held_bytes() const {
  constexpr uint64_t kSeriesBytes = 400;  // its entries here, its share of label sets
  uint64_t bytes = found_.series().size() * kSeriesBytes;
  for (const FoundSeries& series : found_.series()) {
    for (const chunk::Piece& piece : series.head_pieces) bytes += chunk::CopiedBytes(piece);
  }
  return bytes;
}

ReadCounts LocalSelection::counts() const {
  return {.candidates = found_.series().size(),
          .series = groups_.size(),
          .chunks = chunks_.load(std::memory_order_relaxed),
          .bytes = bytes_.load(std::memory_order_relaxed),
          .samples = samples_.load(std::memory_order_relaxed),
          .minutes = minutes_.load(std::memory_order_relaxed),
          .hours = hours_.load(std::memory_order_relaxed),
          .inexact = inexact_.load(std::memory_order_relaxed)};
}

}  // namespace leadline::collector::store::engine
