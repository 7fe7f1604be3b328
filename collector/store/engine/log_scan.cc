// ScanLog: what of the log counts, and the writers' sequences.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/engine/recovery.h"
#include "collector/store/log/record.h"
#include "collector/store/log/segment.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// What a start knows of the numbers of segments.
struct Numbers {
  uint64_t first = 1;   // those before are left-overs
  uint64_t newest = 0;  // that one was there
};

void ReportMissing(const Paths& paths, uint64_t from, uint64_t before, LogScan& scan,
                   Metrics& metrics) {
  if (from >= before) return;
  scan.missing.emplace(from, before - 1);
  metrics.quarantined_segments.Increment(static_cast<double>(before - from));
  spdlog::error("log segments are missing dir={} from={} before={}", paths.log, from, before);
}

// The numbers of those from the first on; those before are removed.
absl::StatusOr<std::vector<uint64_t>> ListSegments(file::Files& files, const Paths& paths,
                                                   const Numbers& known, LogScan& scan,
                                                   Metrics& metrics) {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(paths.log));
  std::vector<uint64_t> segments;
  for (const std::string& name : names) {
    const uint64_t number = log::SegmentNumber(name);
    if (number == 0) continue;
    if (number < known.first) {
      LL_RETURN_IF_ERROR(files.Remove(fmt::format("{}/{}", paths.log, name)));
    } else {
      segments.push_back(number);
    }
  }
  uint64_t expected = known.first;
  for (const uint64_t number : segments) {
    ReportMissing(paths, expected, number, scan, metrics);
    expected = number + 1;
  }
  ReportMissing(paths, expected, known.newest + 1, scan, metrics);
  return segments;
}

absl::Status CutTornEnd(file::Files& files, const std::string& dir, const std::string& path,
                        const log::SegmentEnd& end, Metrics& metrics) {
  // Of a segment that was made just before a power cut not even a byte may be left.
  if (end.torn_bytes == 0 && end.good_bytes != 0) return absl::OkStatus();
  spdlog::warn("cutting the torn end of the log path={} good_bytes={} cut_bytes={}", path,
               end.good_bytes, end.torn_bytes);
  metrics.log_torn_bytes.Increment(static_cast<double>(end.torn_bytes));
  if (end.good_bytes == 0) {
    LL_RETURN_IF_ERROR(files.Remove(path));
    // Back after a power cut, with a new segment behind it, its tear would look like damage.
    return files.SyncDir(dir);
  }
  LL_ASSIGN_OR_RETURN(const std::unique_ptr<file::WritableFile> file, files.OpenForAppend(path));
  LL_RETURN_IF_ERROR(file->Truncate(end.good_bytes));
  return file->Sync();
}

}  // namespace

absl::StatusOr<LogScan> ScanLog(file::Files& files, const Paths& paths, uint64_t first,
                                uint64_t newest, Writers& writers, Metrics& metrics) {
  LogScan scan;
  LL_ASSIGN_OR_RETURN(std::vector<uint64_t> numbers,
                      ListSegments(files, paths, {first, newest}, scan, metrics));
  scan.next_segment = numbers.empty() ? first : numbers.back() + 1;
  const bool end_is_missing = scan.next_segment <= newest;
  if (end_is_missing) scan.next_segment = newest + 1;
  bool is_last = true;
  // From the end, since each says how far the one before counts.
  uint64_t counts = log::SegmentEnd::kUnknownBytes;
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    const std::string path = fmt::format("{}/{}", paths.log, log::SegmentName(*number));
    LL_ASSIGN_OR_RETURN(std::string contents, files.Read(path));
    if (number != numbers.rbegin() && *number + 1 != *(number - 1)) {
      counts = log::SegmentEnd::kUnknownBytes;  // of one that is missing
    }
    const bool is_short =
        !is_last && counts != log::SegmentEnd::kUnknownBytes && contents.size() < counts;
    if (!is_last && contents.size() > counts) contents.resize(counts);
    log::WritersRecord seen;
    LL_ASSIGN_OR_RETURN(
        log::SegmentEnd end,
        log::ReadSegment(contents, path, *number, is_last, [&](const log::Frame& frame) {
          return log::ReadWriters(frame.payload, seen);
        }));
    for (const log::WritersRecord::Row& row : seen.rows) {
      writers.Advance(row.tenant, row.writer, row.sequence);
    }
    // Its header was synced before it was noted.
    if (is_last && end.good_bytes == 0 && *number <= newest && end.damage.empty()) {
      end.damage.push_back(
          absl::DataLossError(fmt::format("log segment {}: nothing is left of it", path)));
    }
    if (is_short) {
      end.damage.push_back(absl::DataLossError(
          fmt::format("log segment {}: {} bytes are left of {}", path, contents.size(), counts)));
    }
    if (end.damage.empty()) {
      if (is_last) LL_RETURN_IF_ERROR(CutTornEnd(files, paths.log, path, end, metrics));
      if (is_last && end.good_bytes == 0) {  // then the one before is the last
        if (!end_is_missing) scan.next_segment = *number;
        continue;
      }
    } else {
      for (const absl::Status& damage : end.damage) {
        spdlog::error("{}", std::string(damage.message()));
      }
      spdlog::error("damaged log segment path={} frames recovered from behind the damage={}", path,
                    end.salvaged_frames);
      metrics.log_salvaged_frames.Increment(static_cast<double>(end.salvaged_frames));
      scan.damaged.insert(*number);
    }
    if (is_last) scan.last_bytes = end.good_bytes;
    scan.segments.insert(scan.segments.begin(), {*number, end.good_bytes});
    scan.log_bytes += end.good_bytes;
    counts = end.previous_bytes;
    is_last = false;
  }
  if (end_is_missing) scan.last_bytes = log::SegmentEnd::kUnknownBytes;
  return scan;
}

}  // namespace leadline::collector::store::engine
