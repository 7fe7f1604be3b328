#include "collector/store/engine/recovery.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/log/record.h"
#include "collector/store/log/segment.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// Takes the samples of the series that are not `known` out of the batch; gives their number.
uint64_t DropUnknown(const std::vector<bool>& known, WriteBatch& batch) {
  std::vector<uint32_t> index_of(known.size());
  std::vector<SeriesHandle> kept;
  for (size_t i = 0; i < known.size(); ++i) {
    index_of[i] = static_cast<uint32_t>(kept.size());
    if (known[i]) kept.push_back(batch.series[i]);
  }
  batch.series = std::move(kept);
  uint64_t dropped = 0;
  const auto filter = [&](auto& frames) {
    for (auto& frame : frames) {
      size_t left = 0;
      for (size_t i = 0; i < frame.series.size(); ++i) {
        if (!known[frame.series[i]]) continue;
        frame.series[left] = index_of[frame.series[i]];
        if (left != i) frame.values[left] = std::move(frame.values[i]);
        ++left;
      }
      dropped += frame.series.size() - left;
      frame.series.resize(left);
      frame.values.resize(left);
    }
  };
  filter(batch.floats);
  filter(batch.histograms);
  return dropped;
}

// Applies the records of one segment.
class SegmentReplay {
 public:
  SegmentReplay(int64_t oldest_ms, head::Head& head, Writers& writers, Metrics& metrics)
      : oldest_ms_(oldest_ms), head_(head), writers_(writers), metrics_(metrics) {}

  absl::Status Apply(const log::Frame& frame) {
    behind_damage_ = frame.behind_damage;
    std::vector<log::Record> records;
    LL_RETURN_IF_ERROR(log::ReadRecords(frame.payload, records));
    for (log::Record& record : records) {
      LL_RETURN_IF_ERROR(
          std::visit([this](auto& known) { return Apply(std::move(known)); }, record));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Apply(log::SeriesRecord&& record) {
    std::vector<model::SeriesDefinition> definitions;
    for (log::SeriesRecord::Row& row : record.rows) {
      definitions.push_back(std::move(row.definition));
    }
    const std::vector<SeriesHandle> handles = head_.Resolve(record.tenant, definitions);
    for (size_t i = 0; i < handles.size(); ++i) handles_[record.rows[i].handle] = handles[i];
    return absl::OkStatus();
  }

  absl::Status Apply(log::BatchRecord&& record) {
    WriteBatch& batch = record.batch;
    const WriterId writer = batch.writer;
    const uint64_t sequence = batch.sequence;
    if (IsNumbered(writer) && sequence <= writers_.Last(record.tenant, writer)) {
      return absl::OkStatus();
    }
    std::vector<bool> known(batch.series.size(), true);
    bool all_known = true;
    for (size_t i = 0; i < batch.series.size(); ++i) {
      SeriesHandle& handle = batch.series[i];
      const auto found = handles_.find(handle);
      if (found != handles_.end()) {
        handle = found->second;
        continue;
      }
      if (!behind_damage_) {
        return absl::DataLossError(fmt::format("batch refers to series {}, not defined", handle));
      }
      known[i] = all_known = false;
    }
    if (!all_known) {
      metrics_.samples_undefined.Increment(static_cast<double>(DropUnknown(known, batch)));
    }
    metrics_.Count(head_.Append(record.tenant, batch, oldest_ms_));
    writers_.Advance(record.tenant, writer, sequence);
    return absl::OkStatus();
  }

  absl::Status Apply(log::WritersRecord&& record) {
    for (const log::WritersRecord::Row& row : record.rows) {
      writers_.Advance(row.tenant, row.writer, row.sequence);
    }
    return absl::OkStatus();
  }

  absl::Status Apply(log::EntitiesRecord&& record) {
    head_.AddEntities(record.tenant, record.versions, /*in_windows=*/true);
    return absl::OkStatus();
  }

  const int64_t oldest_ms_;
  head::Head& head_;
  Writers& writers_;
  Metrics& metrics_;
  bool behind_damage_ = false;                               // definitions may be lost
  absl::flat_hash_map<SeriesHandle, SeriesHandle> handles_;  // the segment's -> the head's
};

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

absl::StatusOr<Recovered> RecoverLog(file::Files& files, const Paths& paths, uint64_t checkpoint,
                                     int64_t oldest_ms, head::Head& head, Writers& writers,
                                     Metrics& metrics) {
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(paths.log));
  std::vector<uint64_t> segments;
  for (const std::string& name : names) {
    const uint64_t number = log::SegmentNumber(name);
    if (number == 0) continue;
    if (number < checkpoint) {
      LL_RETURN_IF_ERROR(files.Remove(fmt::format("{}/{}", paths.log, name)));
    } else {
      segments.push_back(number);
    }
  }

  Recovered recovered;
  recovered.next_segment = checkpoint;
  if (checkpoint > 1 && segments.empty()) {
    metrics.quarantined_segments.Increment();
    spdlog::error("log segment is missing path={}/{}", paths.log, log::SegmentName(checkpoint));
  }
  for (const uint64_t number : segments) {
    const std::string path = fmt::format("{}/{}", paths.log, log::SegmentName(number));
    if (number != recovered.next_segment) {
      metrics.quarantined_segments.Increment(static_cast<double>(number - recovered.next_segment));
      spdlog::error("log segments are missing dir={} from={} before={}", paths.log,
                    recovered.next_segment, number);
    }
    recovered.next_segment = number + 1;
    LL_ASSIGN_OR_RETURN(const std::string contents, files.Read(path));
    recovered.log_bytes += contents.size();
    SegmentReplay replay(oldest_ms, head, writers, metrics);
    LL_ASSIGN_OR_RETURN(
        const log::SegmentEnd end,
        log::ReadSegment(contents, path, number, number == segments.back(),
                         [&](const log::Frame& frame) { return replay.Apply(frame); }));
    if (end.damage.empty()) {
      LL_RETURN_IF_ERROR(CutTornEnd(files, paths.log, path, end, metrics));
      continue;
    }
    for (const absl::Status& damage : end.damage) {
      spdlog::error("{}", std::string(damage.message()));
    }
    spdlog::error("damaged log segment path={} frames recovered from behind the damage={}", path,
                  end.salvaged_frames);
    metrics.log_salvaged_frames.Increment(static_cast<double>(end.salvaged_frames));
    recovered.damaged.insert(number);
  }
  return recovered;
}

}  // namespace leadline::collector::store::engine
