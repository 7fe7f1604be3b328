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

// Applies the records of one segment.
class SegmentReplay {
 public:
  SegmentReplay(int64_t oldest_ms, head::Head& head, Writers& writers, Metrics& metrics)
      : oldest_ms_(oldest_ms), head_(head), writers_(writers), metrics_(metrics) {}

  absl::Status Apply(std::string_view payload) {
    std::vector<log::Record> records;
    LL_RETURN_IF_ERROR(log::ReadRecords(payload, records));
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
    for (SeriesHandle& handle : batch.series) {
      const auto known = handles_.find(handle);
      if (known == handles_.end()) {
        return absl::DataLossError(fmt::format("batch refers to series {}, not defined", handle));
      }
      handle = known->second;
    }
    metrics_.Count(head_.Append(record.tenant, std::move(batch), oldest_ms_));
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
  absl::flat_hash_map<SeriesHandle, SeriesHandle> handles_;  // the segment's -> the head's
};

absl::Status CutTornEnd(file::Files& files, const std::string& path, const log::SegmentEnd& end,
                        Metrics& metrics) {
  if (end.torn_bytes == 0) return absl::OkStatus();
  spdlog::warn("cutting the torn end of the log path={} good_bytes={} cut_bytes={}", path,
               end.good_bytes, end.torn_bytes);
  metrics.log_torn_bytes.Increment(static_cast<double>(end.torn_bytes));
  if (end.good_bytes == 0) return files.Remove(path);
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
    const absl::StatusOr<log::SegmentEnd> end = log::ReadSegment(
        contents, path, number, number == segments.back(),
        [&](std::string_view payload, uint64_t offset) {
          absl::Status applied = replay.Apply(payload);
          if (applied.ok()) return applied;
          return absl::Status(applied.code(), fmt::format("log segment {}, offset {}: {}", path,
                                                          offset, std::string(applied.message())));
        });
    if (end.ok()) {
      LL_RETURN_IF_ERROR(CutTornEnd(files, path, *end, metrics));
    } else if (absl::IsDataLoss(end.status())) {
      spdlog::error("{}; what precedes it is recovered", std::string(end.status().message()));
      recovered.damaged.insert(number);
    } else {
      return end.status();
    }
  }
  return recovered;
}

}  // namespace leadline::collector::store::engine
