#include "collector/store/engine/roller.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "absl/types/span.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/chunk/pieces.h"
#include "collector/store/engine/rollup_spans.h"
#include "collector/store/index/matchers.h"
#include "collector/store/rollup/buckets.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr size_t kSeriesAtATime = 64;

using WindowPtr = std::shared_ptr<window::Window>;

absl::Status Stopped() { return absl::CancelledError("the store is being closed"); }

absl::StatusOr<std::vector<window::SeriesRef>> SeriesOf(const WindowPtr& window,
                                                        const std::string& tenant,
                                                        const index::Matchers& matchers) {
  std::vector<window::SeriesRef> refs;
  if (window != nullptr) {
    LL_RETURN_IF_ERROR(window->dictionary().Find(tenant, matchers, {}, refs));
  }
  return refs;
}

absl::Status AddMetrics(const WindowPtr& window, const std::string& tenant,
                        std::set<std::string>& metrics) {
  if (window == nullptr) return absl::OkStatus();
  return window->dictionary().LabelValues(tenant, index::LabelsOf::kSeries, kMetricName,
                                          [&](std::string_view metric) {
                                            metrics.emplace(metric);
                                            return true;
                                          });
}

}  // namespace

// Four hours that are being made.
struct Roller::Work {
  std::string tenant;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  uint8_t part = 0;
  // Of samples: the day's, and where the hours end with the day the next day's, for what is at its
  // very begin; null where there is none.
  WindowPtr day;
  WindowPtr next;
  uint64_t day_writes = 0;
  uint64_t next_writes = 0;
  uint64_t entities = 0;  // the generation of the day's
  std::vector<std::pair<WindowId, WindowPtr>> rollups;
};

// The series of a metric: those of the day, then those that only the next day has.
struct Roller::MetricSeries {
  std::vector<window::SeriesRef> refs;
  size_t of_day = 0;
  std::vector<window::SeriesRef> next_refs;
  index::DefinitionMap<size_t> in_next;  // by definition, in next_refs
};

std::vector<RetentionClass> Roller::WantedAt(int64_t start_ms,
                                             const ByClass<int64_t>& kept_from_ms) const {
  std::vector<RetentionClass> wanted;
  for (const RetentionClass rollups : kRollups) {
    const auto number = static_cast<size_t>(rollups);
    if (options_.wanted[number] && LastMs(WindowAt(rollups, start_ms)) >= kept_from_ms[number]) {
      wanted.push_back(rollups);
    }
  }
  return wanted;
}

absl::StatusOr<std::vector<Roller::Due>> Roller::FindDue(int64_t before_ms, bool at_once) {
  std::vector<Due> found;
  size_t stale = 0;
  const ByClass<int64_t> kept_from_ms = options_.kept_from_ms();
  for (const auto& [id, window] :
       windows_.OverlappingById(chunk::kMinTimestampMs, chunk::kMaxTimestampMs)) {
    if (id.retention != RetentionClass::kRaw) continue;
    LL_ASSIGN_OR_RETURN(const std::vector<std::string> tenants, window->dictionary().Tenants());
    for (uint8_t part = 0; part < window::kParts; ++part) {
      const int64_t start_ms = id.start_ms + part * window::kPartMs;
      if (start_ms + window::kPartMs > before_ms) break;
      for (const RetentionClass rollups : WantedAt(start_ms, kept_from_ms)) {
        for (const std::string& tenant : tenants) {
          const RollupState state = RollupStateOf(windows_, tenant, rollups, start_ms);
          if (state.current) continue;
          Due due{start_ms, tenant, state.covered};
          stale += state.covered ? 1 : 0;
          if (!at_once && !IsQuiet(due, window->rolled_up().writes(part))) continue;
          if (found.empty() || found.back().start_ms != start_ms || found.back().tenant != tenant) {
            found.push_back(std::move(due));
          }
        }
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Due& a, const Due& b) {
    return std::tie(a.start_ms, a.tenant) < std::tie(b.start_ms, b.tenant);
  });
  found.erase(std::unique(found.begin(), found.end(),
                          [](const Due& a, const Due& b) {
                            return a.start_ms == b.start_ms && a.tenant == b.tenant;
                          }),
              found.end());
  metrics_.rollups_due.Set(static_cast<double>(found.size()));
  metrics_.rollups_stale.Set(static_cast<double>(stale));
  return found;
}

// What is made for the first time has been quiet: its hours are over.
bool Roller::IsQuiet(const Due& due, uint64_t writes) {
  if (!due.again) return true;
  const int64_t now_ms = clock_.NowMonoNs() / 1'000'000;
  const auto [it, is_new] =
      seen_.try_emplace({due.start_ms, due.tenant}, Seen{.writes = writes, .since_ms = now_ms});
  Seen& seen = it->second;
  if (seen.writes != writes) seen = {writes, now_ms};
  return now_ms - seen.since_ms >= options_.quiet_ms;
}

absl::Status Roller::MakeDue(int64_t before_ms, bool at_once) {
  LL_ASSIGN_OR_RETURN(const std::vector<Due> found, FindDue(before_ms, at_once));
  absl::Status status;
  for (size_t i = 0; i < found.size(); ++i) {
    if (options_.is_stopping()) return absl::OkStatus();
    const absl::Status made = Make(found[i]);
    if (absl::IsCancelled(made)) return absl::OkStatus();
    metrics_.rollups_due.Set(static_cast<double>(found.size() - i - 1));
    if (made.ok() || windows_.HideDamaged(made)) continue;
    metrics_.rollup_errors.Increment();
    spdlog::error("rollups could not be made of {} tenant={} reason=\"{}\"",
                  DayName(found[i].start_ms), found[i].tenant, std::string(made.message()));
    status.Update(made);
  }
  if (!found.empty()) status.Update(Settle(before_ms));
  return status;
}

absl::Status Roller::Settle(int64_t before_ms) {
  for (const auto& [id, window] :
       windows_.OverlappingById(chunk::kMinTimestampMs, chunk::kMaxTimestampMs)) {
    if (!IsRollup(id.retention)) continue;
    MutexLock lock(mutex_);
    if (windows_.FindShown(id) != window || window->is_read_only()) continue;
    window->EndWriting();
    const absl::Status settled = window->Settle(before_ms);
    if (!windows_.HideDamaged(settled)) LL_RETURN_IF_ERROR(settled);
  }
  return absl::OkStatus();
}

absl::Status Roller::Make(const Due& due) {
  LL_ASSIGN_OR_RETURN(const Work work, Begin(due));
  if (work.day == nullptr || work.rollups.empty()) return absl::OkStatus();
  LL_ASSIGN_OR_RETURN(const bool any, HasSamples(work));
  if (!any) return Finish(work);
  std::set<std::string> metrics;
  LL_RETURN_IF_ERROR(AddMetrics(work.day, work.tenant, metrics));
  LL_RETURN_IF_ERROR(AddMetrics(work.next, work.tenant, metrics));
  for (const std::string& metric : metrics) LL_RETURN_IF_ERROR(MakeMetric(work, metric));
  return Finish(work);
}

// Most series need not be looked at for hours that were long before the first sample. One at their
// very end is in the part that follows.
absl::StatusOr<bool> Roller::HasSamples(const Work& work) {
  LL_ASSIGN_OR_RETURN(const bool any, work.day->HasSamples(work.tenant, work.part));
  if (any) return true;
  const uint8_t following = work.part + 1;
  if (following < window::kParts) return work.day->HasSamples(work.tenant, following);
  if (work.next == nullptr) return false;
  return work.next->HasSamples(work.tenant, 0);
}

absl::StatusOr<Roller::Work> Roller::Begin(const Due& due) {
  Work work{
      .tenant = due.tenant, .start_ms = due.start_ms, .end_ms = due.start_ms + window::kPartMs};
  const WindowId day = WindowAt(RetentionClass::kRaw, due.start_ms);
  work.part = static_cast<uint8_t>((due.start_ms - day.start_ms) / window::kPartMs);
  MutexLock lock(mutex_);
  work.day = windows_.FindShown(day);
  // One that is open for reading only takes no note.
  if (work.day == nullptr || work.day->is_read_only()) return work;
  work.day_writes = work.day->rolled_up().writes(work.part);
  work.entities = work.day->dictionary().generation();
  if (work.part + 1 == window::kParts) {
    work.next = windows_.FindShown({LastMs(day) + 1, RetentionClass::kRaw});
    if (work.next != nullptr && work.next->is_read_only()) return work;
    if (work.next != nullptr) work.next_writes = work.next->rolled_up().writes(window::kBeginPart);
  }
  bool any_new = false;
  for (const RetentionClass rollups : WantedAt(due.start_ms, options_.kept_from_ms())) {
    const WindowId id = WindowAt(rollups, due.start_ms);
    any_new = any_new || windows_.Find(id) == nullptr;
    LL_ASSIGN_OR_RETURN(WindowPtr window, windows_.GetOrCreate(id));
    work.rollups.emplace_back(id, std::move(window));
  }
  if (any_new) LL_RETURN_IF_ERROR(options_.write_manifest());
  return work;
}

absl::StatusOr<Roller::MetricSeries> Roller::FindMetric(const Work& work,
                                                        const std::string& metric) {
  LL_ASSIGN_OR_RETURN(
      const index::Matchers matchers,
      index::Matchers::Compile({{Matcher::Op::kEqual, std::string(kMetricName), metric}}));
  MetricSeries series;
  LL_ASSIGN_OR_RETURN(series.refs, SeriesOf(work.day, work.tenant, matchers));
  LL_ASSIGN_OR_RETURN(series.next_refs, SeriesOf(work.next, work.tenant, matchers));
  series.of_day = series.refs.size();
  if (series.next_refs.empty()) return series;
  index::DefinitionMap<size_t> in_day;
  for (size_t i = 0; i < series.of_day; ++i) in_day[series.refs[i].definition.get()] = i;
  for (size_t i = 0; i < series.next_refs.size(); ++i) {
    const window::SeriesRef& ref = series.next_refs[i];
    series.in_next[ref.definition.get()] = i;
    if (!in_day.contains(ref.definition.get())) series.refs.push_back(ref);
  }
  return series;
}

absl::Status Roller::ReadSlice(const Work& work, const MetricSeries& series, size_t first,
                               absl::Span<Pieces> pieces) {
  const auto slice = absl::MakeConstSpan(series.refs).subspan(first, pieces.size());
  const size_t of_day =
      first >= series.of_day ? 0 : std::min<size_t>(series.of_day - first, slice.size());
  LL_RETURN_IF_ERROR(work.day->Read(work.tenant, slice.first(of_day), work.start_ms + 1,
                                    work.end_ms, [&](size_t number, chunk::Piece piece) {
                                      pieces[number].push_back(std::move(piece));
                                      return absl::OkStatus();
                                    }));
  if (work.next == nullptr) return absl::OkStatus();
  std::vector<window::SeriesRef> at_end;
  std::vector<size_t> places;
  for (size_t i = 0; i < slice.size(); ++i) {
    const auto it = series.in_next.find(slice[i].definition.get());
    if (it == series.in_next.end()) continue;
    at_end.push_back(series.next_refs[it->second]);
    places.push_back(i);
  }
  return work.next->Read(work.tenant, at_end, work.end_ms, work.end_ms,
                         [&](size_t number, chunk::Piece piece) {
                           pieces[places[number]].push_back(std::move(piece));
                           return absl::OkStatus();
                         });
}

absl::StatusOr<std::vector<window::Window::TenantBuckets>> Roller::FoldSlice(
    const Work& work, absl::Span<const window::SeriesRef> slice, absl::Span<const Pieces> pieces) {
  std::vector<window::Window::TenantBuckets> made(work.rollups.size());
  chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
  uint64_t samples = 0;
  for (size_t i = 0; i < slice.size(); ++i) {
    if (pieces[i].empty()) continue;
    LL_ASSIGN_OR_RETURN(const chunk::MergedSamples merged,
                        chunk::MergePieces(pieces[i], {work.start_ms + 1, work.end_ms}, unlimited));
    if (merged.floats.empty() && merged.histograms.empty()) continue;
    samples += merged.floats.size() + merged.histograms.size();
    for (size_t r = 0; r < made.size(); ++r) {
      made[r].series.push_back(slice[i].definition);
      rollup::Fold(merged, ResolutionMs(work.rollups[r].first.retention),
                   made[r].buckets.emplace_back());
      if (slice[i].timeline != nullptr) made[r].entities.push_back(slice[i].timeline);
    }
  }
  metrics_.rollup_samples.Increment(static_cast<double>(samples));
  return made;
}

absl::Status Roller::MakeMetric(const Work& work, const std::string& metric) {
  LL_ASSIGN_OR_RETURN(const MetricSeries series, FindMetric(work, metric));
  for (size_t first = 0; first < series.refs.size(); first += kSeriesAtATime) {
    if (options_.is_stopping()) return Stopped();
    const auto slice = absl::MakeConstSpan(series.refs).subspan(first, kSeriesAtATime);
    std::vector<Pieces> pieces(slice.size());
    LL_RETURN_IF_ERROR(ReadSlice(work, series, first, absl::MakeSpan(pieces)));
    LL_ASSIGN_OR_RETURN(auto made, FoldSlice(work, slice, pieces));
    for (size_t r = 0; r < made.size(); ++r) {
      if (made[r].series.empty()) continue;
      MutexLock lock(mutex_);
      LL_RETURN_IF_ERROR(work.rollups[r].second->WriteBuckets(work.tenant, std::move(made[r])));
    }
  }
  return absl::OkStatus();
}

absl::Status Roller::Finish(const Work& work) {
  MutexLock lock(mutex_);
  for (const auto& [id, window] : work.rollups) {
    // Dropped or found damaged since.
    if (windows_.FindShown(id) != window) return absl::OkStatus();
    LL_RETURN_IF_ERROR(window->rolled_up().NoteCovered(
        work.tenant, static_cast<uint32_t>((work.start_ms - id.start_ms) / window::kPartMs)));
    LL_RETURN_IF_ERROR(window->Sync());
  }
  LL_RETURN_IF_ERROR(options_.write_manifest());
  const WindowId day = WindowAt(RetentionClass::kRaw, work.start_ms);
  if (windows_.FindShown(day) != work.day ||
      work.day->rolled_up().writes(work.part) != work.day_writes ||
      work.day->dictionary().generation() != work.entities) {
    return absl::OkStatus();
  }
  if (work.next != nullptr) {
    if (work.next->rolled_up().writes(window::kBeginPart) != work.next_writes) {
      return absl::OkStatus();
    }
    LL_RETURN_IF_ERROR(work.next->rolled_up().Note(work.tenant, window::kBeginPart));
    LL_RETURN_IF_ERROR(work.next->Sync());
  }
  LL_RETURN_IF_ERROR(work.day->rolled_up().Note(work.tenant, work.part));
  LL_RETURN_IF_ERROR(work.day->Sync());
  seen_.erase({work.start_ms, work.tenant});
  metrics_.rollups_made.Increment();
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
