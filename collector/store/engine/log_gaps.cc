#include "collector/store/engine/log_gaps.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include <fmt/format.h>

#include "collector/store/chunk/window_time.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr std::string_view kGap = "gap-";

std::optional<TimeRange> RangeOfName(std::string_view name) {
  if (!name.starts_with(kGap)) return std::nullopt;
  const char* const begin = name.data() + kGap.size();
  const char* const end = name.data() + name.size();
  TimeRange range;
  const auto oldest = std::from_chars(begin, end, range.oldest_ms);
  if (oldest.ec != std::errc() || oldest.ptr == end || *oldest.ptr != '-') return std::nullopt;
  const auto newest = std::from_chars(oldest.ptr + 1, end, range.newest_ms);
  if (newest.ec != std::errc() || newest.ptr != end) return std::nullopt;
  return range;
}

std::string TextOf(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

// Of the segments from the first to the last, by what is whole of them and around them.
TimeRange LostBetween(const std::map<uint64_t, TimeRange>& times, uint64_t first, uint64_t last,
                      int64_t newest_ms) {
  const auto inside = times.lower_bound(first);
  const auto behind = times.upper_bound(last);
  const bool is_first = inside == times.begin();
  TimeRange lost{
      .oldest_ms = is_first ? chunk::kMinTimestampMs : std::prev(inside)->second.newest_ms,
      .newest_ms = behind == times.end() ? newest_ms : behind->second.oldest_ms};
  for (auto at = inside; at != behind; ++at) {
    lost.oldest_ms = std::min(lost.oldest_ms, at->second.oldest_ms);
    lost.newest_ms = std::max(lost.newest_ms, at->second.newest_ms);
  }
  lost.newest_ms = std::max(lost.newest_ms, lost.oldest_ms);
  return lost;
}

}  // namespace

std::vector<TimeRange> LostTimes(const LogScan& scan, int64_t newest_ms) {
  std::map<uint64_t, uint64_t> last_by_first = scan.missing;
  for (const uint64_t damaged : scan.damaged) last_by_first.emplace(damaged, damaged);
  std::vector<TimeRange> lost;
  for (const auto& [first, last] : last_by_first) {
    lost.push_back(LostBetween(scan.times, first, last, newest_ms));
  }
  if (scan.undefined) lost.push_back(*scan.undefined);
  return lost;
}

absl::Status LogGaps::Find() {
  const auto names = files_.List(paths_.quarantine);
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  LL_RETURN_IF_ERROR(names.status());
  MutexLock lock(mutex_);
  for (const std::string& name : *names) {
    const auto range = RangeOfName(name);
    if (range) newest_by_oldest_ms_.emplace(range->oldest_ms, range->newest_ms);
  }
  return absl::OkStatus();
}

absl::Status LogGaps::Add(const TimeRange& lost) {
  {
    MutexLock lock(mutex_);
    int64_t& newest_ms = newest_by_oldest_ms_.emplace(lost.oldest_ms, lost.newest_ms).first->second;
    newest_ms = std::max(newest_ms, lost.newest_ms);
  }
  LL_RETURN_IF_ERROR(files_.MakeDirs(
      fmt::format("{}/{}{}-{}", paths_.quarantine, kGap, lost.oldest_ms, lost.newest_ms)));
  return files_.SyncDir(paths_.quarantine);
}

std::vector<std::string> LogGaps::Texts(int64_t start_ms, int64_t end_ms) const {
  MutexLock lock(mutex_);
  std::vector<std::string> texts;
  for (const auto& [oldest_ms, newest_ms] : newest_by_oldest_ms_) {
    if (newest_ms < start_ms || oldest_ms > end_ms) continue;
    const std::string until = TextOf(newest_ms);
    const std::string when = oldest_ms <= chunk::kMinTimestampMs
                                 ? fmt::format("until {}", until)
                                 : fmt::format("from {} until {}", TextOf(oldest_ms), until);
    texts.push_back(fmt::format("samples {} may be missing: the log was found damaged; see {}",
                                when, paths_.quarantine));
  }
  return texts;
}

}  // namespace leadline::collector::store::engine
