#include "collector/remote/write/start_times.h"

#include <algorithm>
#include <utility>

#include "collector/remote/write/limits.h"

namespace leadline::collector::remote::write {
namespace {

// Whether a zero is to be before the sample, which counts since `start_ms`.
bool WantsZero(StartTimes::State& state, int64_t start_ms, int64_t ts_ms) {
  bool wants = false;
  if (start_ms > state.start_ms) {
    const bool is_first = state.start_ms == 0;
    wants = start_ms < ts_ms &&
            (is_first ? ts_ms - start_ms <= absl::ToInt64Milliseconds(kMaxCreatedBefore)
                      : start_ms > state.newest_ms);
    state.start_ms = start_ms;
  }
  state.newest_ms = std::max(state.newest_ms, ts_ms);
  return wants;
}

bool IsMarker(double value) { return model::IsStaleNan(value); }

}  // namespace

void StartTimes::Add(store::SeriesHandle handle) {
  MutexLock lock(mutex_);
  if (Find(handle) == nullptr) AddYoung(handle, {});
}

StartTimes::Seen StartTimes::Look(Request& request, absl::Span<const store::SeriesHandle> handles) {
  Seen seen;
  if (!request.has_starts) return seen;
  MutexLock lock(mutex_);
  uint32_t sample = 0;
  uint32_t histogram = 0;
  auto later = request.later_starts.begin();
  for (uint32_t i = 0; i < request.series.size(); ++i) {
    const Series& series = request.series[i];
    State* const known = series.created_ms > 0 && handles[i] != kNoHandle && !series.no_series
                             ? Find(handles[i])
                             : nullptr;
    State state = known == nullptr ? State() : *known;
    int64_t start_ms = series.created_ms;
    for (; sample < series.samples_end; ++sample) {
      if (later != request.later_starts.end() && later->sample == sample) {
        start_ms = later->start_ms;
        ++later;
      }
      const Sample& one = request.samples[sample];
      if (known == nullptr || IsMarker(one.value)) continue;
      if (WantsZero(state, start_ms, one.ts_ms)) request.zeros.push_back({i, sample, start_ms});
    }
    for (; histogram < series.histograms_end; ++histogram) {
      const HistogramSample& one = request.histograms[histogram];
      if (known == nullptr || !one.error.empty() || IsMarker(one.value.sum) ||
          one.value.reset_hint == model::ResetHint::kGauge) {
        continue;
      }
      const int64_t own_ms = one.start_ms != 0 ? one.start_ms : series.created_ms;
      if (WantsZero(state, own_ms, one.ts_ms)) {
        request.histogram_zeros.push_back({i, histogram, own_ms});
      }
    }
    if (known != nullptr) seen.emplace_back(handles[i], state);
  }
  return seen;
}

void StartTimes::Keep(const Seen& seen) {
  if (seen.empty()) return;
  MutexLock lock(mutex_);
  for (const auto& [handle, state] : seen) {
    State* const known = Find(handle);
    if (known == nullptr) continue;
    known->start_ms = std::max(known->start_ms, state.start_ms);
    known->newest_ms = std::max(known->newest_ms, state.newest_ms);
  }
}

void StartTimes::Clear() {
  MutexLock lock(mutex_);
  young_ = {};
  old_ = {};
}

StartTimes::State* StartTimes::Find(store::SeriesHandle handle) {
  if (const auto young = young_.find(handle); young != young_.end()) return &young->second;
  const auto old = old_.find(handle);
  return old == old_.end() ? nullptr : &AddYoung(handle, State(old->second));
}

StartTimes::State& StartTimes::AddYoung(store::SeriesHandle handle, const State& state) {
  if (young_.size() >= max_series_) old_ = std::exchange(young_, {});
  return young_.insert_or_assign(handle, state).first->second;
}

}  // namespace leadline::collector::remote::write
