#include "collector/store/engine/retention.h"

#include <iterator>

#include <spdlog/spdlog.h>

#include "collector/store/chunk/window_time.h"

namespace leadline::collector::store::engine {
namespace {

// What clocks are corrected by.
constexpr int64_t kMostStepMs = int64_t{10} * 60 * 1000;
constexpr int64_t kHoldMs = int64_t{24} * 60 * 60 * 1000;

int64_t NowMonoMs(const Clock& clock) { return clock.NowMonoNs() / 1'000'000; }

}  // namespace

int64_t KeptFromBySize(const std::map<int64_t, uint64_t>& sizes, uint64_t most_bytes) {
  uint64_t bytes = 0;
  for (const auto& [last_ms, size] : sizes) bytes += size;
  int64_t kept_from_ms = chunk::kBeforeAllTime;
  for (auto it = sizes.begin(); bytes > most_bytes && std::next(it) != sizes.end(); ++it) {
    bytes -= it->second;
    kept_from_ms = it->first + 1;
  }
  return kept_from_ms;
}

RetentionTime::RetentionTime(const Clock& clock)
    : clock_(clock), since_mono_ms_(clock.NowUnixMs() - NowMonoMs(clock)) {}

int64_t RetentionTime::NowMs() {
  MutexLock lock(mutex_);
  const int64_t mono_ms = NowMonoMs(clock_);
  const int64_t now_ms = clock_.NowUnixMs();
  const int64_t ahead_ms = now_ms - mono_ms - since_mono_ms_;
  if (ahead_ms > kMostStepMs) {
    if (!jumped_mono_ms_) {
      spdlog::error(
          "the clock was set ahead: retention goes by the time before for a day seconds={}",
          ahead_ms / 1000);
      jumped_mono_ms_ = mono_ms;
    }
    if (mono_ms - *jumped_mono_ms_ < kHoldMs) return mono_ms + since_mono_ms_;
  }
  if (jumped_mono_ms_) spdlog::info("retention goes by the clock again");
  jumped_mono_ms_.reset();
  since_mono_ms_ = now_ms - mono_ms;
  return now_ms;
}

}  // namespace leadline::collector::store::engine
