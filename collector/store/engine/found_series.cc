#include "collector/store/engine/found_series.h"

#include <utility>

#include "absl/time/clock.h"
#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {

void FoundSet::MergeTimeline(const Id128& entity, const index::TimelinePtr& timeline) {
  if (timeline == nullptr) return;
  index::TimelinePtr& known = timelines_[entity];
  if (known == nullptr) {
    known = timeline;
  } else if (known != timeline && !(*known == *timeline)) {
    auto merged = std::make_shared<model::EntityTimeline>(*known);
    merged->Merge(*timeline);
    known = std::move(merged);
  }
}

size_t FoundSet::Add(const index::DefinitionPtr& definition, const index::TimelinePtr& timeline) {
  MergeTimeline(definition->entity(), timeline);
  const auto [it, added] = numbers_.try_emplace(definition.get(), series_.size());
  if (added) series_.push_back({.definition = definition});
  return it->second;
}

absl::Status FoundSet::Gather(const head::Head& head, const WindowSet& windows,
                              const index::Matchers& matchers, bool with_samples) {
  for (head::SeriesSnapshot& found :
       head.Find(tenant_, matchers, start_ms_, end_ms_, with_samples)) {
    const size_t number = Add(found.definition, found.timeline);
    series_[number].head_pieces = std::move(found.pieces);
  }
  const std::vector<Id128> changed = head.ChangedEntities(tenant_, matchers);
  for (auto& window : windows.Overlapping(start_ms_, end_ms_)) {
    WindowSeries found{std::move(window), {}, {}};
    LL_RETURN_IF_ERROR(found.window->Find(tenant_, matchers, changed, found.refs));
    for (const window::SeriesRef& ref : found.refs) {
      found.numbers.push_back(Add(ref.definition, ref.timeline));
    }
    if (!found.refs.empty()) windows_.push_back(std::move(found));
  }
  absl::flat_hash_map<Id128, bool> asked;
  for (FoundSeries& found : series_) {
    const Id128& entity = found.definition->entity();
    if (asked.try_emplace(entity, true).second) {
      MergeTimeline(entity, head.Timeline(tenant_, entity));
    }
  }
  for (FoundSeries& found : series_) {
    const auto it = timelines_.find(found.definition->entity());
    if (it != timelines_.end()) found.timeline = it->second;
  }
  return absl::OkStatus();
}

absl::Status FoundSet::ReadWindows(uint64_t max_samples, absl::Time deadline) {
  uint64_t certain = 0;
  for (const WindowSeries& found : windows_) {
    std::vector<window::SeriesRef> refs;
    std::vector<size_t> numbers;
    for (size_t i = 0; i < found.refs.size(); ++i) {
      if (!series_[found.numbers[i]].wanted) continue;
      refs.push_back(found.refs[i]);
      numbers.push_back(found.numbers[i]);
    }
    const auto take = [&](size_t number, chunk::Piece piece) {
      const auto [first_ms, last_ms] = chunk::SpanOf(piece);
      if (first_ms >= start_ms_ && last_ms <= end_ms_) certain += chunk::CountOf(piece);
      if (certain > max_samples) {
        return absl::ResourceExhaustedError(
            fmt::format("the query reads more than {} samples, which is its limit", max_samples));
      }
      if (deadline != absl::InfiniteFuture() && absl::Now() > deadline) {
        return absl::DeadlineExceededError("the query ran out of time while reading windows");
      }
      series_[numbers[number]].window_pieces.push_back(std::move(piece));
      return absl::OkStatus();
    };
    LL_RETURN_IF_ERROR(found.window->Read(tenant_, refs, start_ms_, end_ms_, take));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
