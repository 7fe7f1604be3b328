#include "agent/sampling_watch.h"

#include <algorithm>

#include <fmt/format.h>

namespace leadline::agent {

SamplingWatch::SamplingWatch(const Clock& clock, absl::Duration interval)
    : clock_(clock), interval_(interval), at_most_(std::max(kIntervals * interval, kAtLeast)) {}

absl::Status SamplingWatch::Check() const {
  const int64_t last_mono_ns = last_mono_ns_;
  if (last_mono_ns == kNotRunning) return absl::OkStatus();
  const absl::Duration since = absl::Nanoseconds(clock_.NowMonoNs() - last_mono_ns);
  if (since <= at_most_) return absl::OkStatus();
  return absl::UnavailableError(fmt::format(
      "nothing was sampled for {}, with an interval of {}",
      absl::FormatDuration(absl::Trunc(since, absl::Seconds(1))), absl::FormatDuration(interval_)));
}

}  // namespace leadline::agent
