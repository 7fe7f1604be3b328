#include "collector/store/engine/recovery.h"

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/engine/handle_map.h"
#include "collector/store/log/record.h"
#include "collector/store/log/segment.h"
#include "common/bounded_queue.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

enum class Found : uint8_t {
  kYes,
  kNotWanted,  // its shard has it in windows, as far as this segment goes
  kUndefined,
};

// Takes the samples of the series that are not found out of the batch; gives the number of those
// that were undefined.
uint64_t DropOthers(const std::vector<Found>& found, WriteBatch& batch) {
  std::vector<uint32_t> index_of(found.size());
  std::vector<SeriesHandle> kept;
  for (size_t i = 0; i < found.size(); ++i) {
    index_of[i] = static_cast<uint32_t>(kept.size());
    if (found[i] == Found::kYes) kept.push_back(batch.series[i]);
  }
  batch.series = std::move(kept);
  uint64_t undefined = 0;
  const auto filter = [&](auto& frames) {
    for (auto& frame : frames) {
      size_t left = 0;
      for (size_t i = 0; i < frame.series.size(); ++i) {
        const uint32_t series = frame.series[i];
        undefined += found[series] == Found::kUndefined ? 1 : 0;
        if (found[series] != Found::kYes) continue;
        frame.series[left] = index_of[series];
        if (left != i) frame.values[left] = std::move(frame.values[i]);
        ++left;
      }
      frame.series.resize(left);
      frame.values.resize(left);
    }
  };
  filter(batch.floats);
  filter(batch.histograms);
  return undefined;
}

// What a frame holds, and where it was.
struct ReadFrame {
  uint64_t segment = 0;
  uint64_t offset = 0;
  uint32_t run = 0;
  bool behind_damage = false;
  std::vector<log::Record> records;
};

// Applies records in the order of the log.
class LogReplay {
 public:
  LogReplay(const ReplayOptions& options, head::Head& head, Metrics& metrics)
      : options_(options),
        head_(head),
        metrics_(metrics),
        wanted_(options.checkpoints.size(), true) {}

  absl::Status Apply(ReadFrame frame) {
    if (run_ != frame.run) handles_.Clear();
    run_ = frame.run;
    behind_damage_ = behind_damage_ || frame.behind_damage;
    for (size_t shard = 0; shard < options_.checkpoints.size(); ++shard) {
      wanted_[shard] = frame.segment >= options_.checkpoints[shard];
    }
    for (log::Record& record : frame.records) {
      LL_RETURN_IF_ERROR(
          std::visit([this](auto& known) { return Apply(std::move(known)); }, record));
    }
    return absl::OkStatus();
  }

 private:
  // Whether this segment has something of the shard, that of the head that wrote the log. A head
  // with another number of shards that wrote to it since has nothing in windows yet.
  bool IsWanted(size_t shard) const { return shard >= wanted_.size() || wanted_[shard]; }

  absl::Status Apply(log::SeriesRecord&& record) {
    std::vector<model::SeriesDefinition> definitions;
    std::vector<SeriesHandle> own;
    for (log::SeriesRecord::Row& row : record.rows) {
      if (!IsWanted(head::Head::ShardOf(row.handle))) continue;
      own.push_back(row.handle);
      definitions.push_back(std::move(row.definition));
    }
    const std::vector<SeriesHandle> handles = head_.Resolve(record.tenant, definitions);
    for (size_t i = 0; i < handles.size(); ++i) handles_.Set(own[i], handles[i]);
    return absl::OkStatus();
  }

  absl::Status Apply(log::BatchRecord&& record) {
    WriteBatch& batch = record.batch;
    AddEntities(record.tenant, batch);
    batch.entities.clear();
    std::vector<Found> found(batch.series.size(), Found::kYes);
    bool all = true;
    for (size_t i = 0; i < batch.series.size(); ++i) {
      SeriesHandle& handle = batch.series[i];
      if (!IsWanted(head::Head::ShardOf(handle))) {  // and perhaps defined before its checkpoint
        found[i] = Found::kNotWanted;
        all = false;
        continue;
      }
      const SeriesHandle known = handles_.Get(handle);
      if (known != HandleMap::kNone) {
        handle = known;
        continue;
      }
      if (!behind_damage_) {
        return absl::DataLossError(fmt::format("batch refers to series {}, not defined", handle));
      }
      found[i] = Found::kUndefined;
      all = false;
    }
    if (!all) metrics_.samples_undefined.Increment(static_cast<double>(DropOthers(found, batch)));
    metrics_.Count(head_.Append(record.tenant, batch, options_.oldest_ms));
    return absl::OkStatus();
  }

  absl::Status Apply(log::WritersRecord&&) { return absl::OkStatus(); }

  absl::Status Apply(log::EntitiesRecord&& record) {
    AddEntities(record.tenant, std::move(record.versions), /*in_windows=*/true);
    return absl::OkStatus();
  }

  absl::Status Apply(log::KeyedRecords&& record) {
    if (!IsWanted(head::Head::kRecordShard)) return absl::OkStatus();
    WriteBatch batch;
    batch.records = std::move(record.records);
    head_.AddRecords(record.tenant, batch, {});
    return absl::OkStatus();
  }

  bool IsWanted(const model::EntityVersion& version) const {
    return IsWanted(head::Head::ShardOf(version.id, wanted_.size()));
  }

  void AddEntities(const std::string& tenant, const WriteBatch& batch) {
    std::vector<model::EntityVersion> learned;
    std::vector<model::EntityVersion> wanted;
    // Nobody knows any more whether those of other shards were new: a record more does no harm.
    for (const model::EntityVersion& version : batch.entities) {
      (IsWanted(version) ? wanted : learned).push_back(version);
    }
    const auto added = AddEntities(tenant, std::move(wanted), /*in_windows=*/false);
    learned.insert(learned.end(), added.begin(), added.end());
    if (IsWanted(head::Head::kRecordShard)) head_.AddRecords(tenant, batch, learned);
  }

  // Of shards that this segment has something of. Others have theirs in windows, and their live
  // entities, whole, at the checkpoint to come: what a version means depends on those before it.
  std::vector<model::EntityVersion> AddEntities(const std::string& tenant,
                                                std::vector<model::EntityVersion> versions,
                                                bool in_windows) {
    std::erase_if(versions,
                  [this](const model::EntityVersion& version) { return !IsWanted(version); });
    return head_.AddEntities(tenant, versions, in_windows);
  }

  const ReplayOptions& options_;
  head::Head& head_;
  Metrics& metrics_;
  std::vector<bool> wanted_;    // by shard, of this segment
  bool behind_damage_ = false;  // definitions may be lost
  uint32_t run_ = 0;
  HandleMap handles_;  // of the run
};

// So many frames are read ahead.
constexpr size_t kFramesAhead = 4;

// Applies frames on a thread of its own, as they come.
class Applier {
 public:
  Applier(const ReplayOptions& options, head::Head& head, Metrics& metrics)
      : replay_(options, head, metrics), thread_([this] { Run(); }) {}

  // Waits for room.
  void Put(ReadFrame frame) { frames_.Push(std::move(frame)); }

  // When all have been applied: the segments with something that could not be.
  std::set<uint64_t> Finish() {
    frames_.Close();
    thread_.join();
    return std::move(damaged_);
  }

 private:
  void Run() {
    while (auto frame = frames_.Pop()) {
      const uint64_t segment = frame->segment;
      const uint64_t offset = frame->offset;
      // Of what was read only what it refers to can be missing.
      if (absl::Status applied = replay_.Apply(*std::move(frame)); !applied.ok()) {
        spdlog::error("log segment {}, offset {}: {}", segment, offset,
                      std::string(applied.message()));
        damaged_.insert(segment);
      }
    }
  }

  LogReplay replay_;
  BoundedQueue<ReadFrame> frames_{kFramesAhead};
  std::set<uint64_t> damaged_;
  std::thread thread_;
};

absl::Status ReadFrames(file::Files& files, const Paths& paths, const ReplayOptions& options,
                        LogScan& scan, Applier& applier) {
  uint64_t read_bytes = 0;
  for (const LogScan::Segment& segment : scan.segments) {
    const std::string path = fmt::format("{}/{}", paths.log, log::SegmentName(segment.number));
    LL_ASSIGN_OR_RETURN(const std::string contents, files.Read(path));
    const bool is_damaged = !scan.damaged.empty() && *scan.damaged.begin() <= segment.number;
    LL_ASSIGN_OR_RETURN(
        const log::SegmentEnd end,
        log::ReadSegment(std::string_view(contents).substr(0, segment.bytes), path, segment.number,
                         /*is_last=*/false, [&](const log::Frame& frame) {
                           if (!options.go_on(read_bytes + frame.offset)) {
                             return absl::CancelledError("the store is being closed");
                           }
                           ReadFrame read{.segment = segment.number,
                                          .offset = frame.offset,
                                          .run = frame.run,
                                          .behind_damage = is_damaged || frame.behind_damage};
                           LL_RETURN_IF_ERROR(log::ReadRecords(frame.payload, read.records));
                           applier.Put(std::move(read));
                           return absl::OkStatus();
                         }));
    read_bytes += segment.bytes;
    if (end.damage.empty() || scan.damaged.contains(segment.number)) continue;
    // Records that ScanLog did not look into.
    for (const absl::Status& damage : end.damage) {
      spdlog::error("{}", std::string(damage.message()));
    }
    scan.damaged.insert(segment.number);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReplayLog(file::Files& files, const Paths& paths, const ReplayOptions& options,
                       LogScan& scan, head::Head& head, Metrics& metrics) {
  Applier applier(options, head, metrics);
  absl::Status read = ReadFrames(files, paths, options, scan, applier);
  for (const uint64_t segment : applier.Finish()) scan.damaged.insert(segment);
  return read;
}

}  // namespace leadline::collector::store::engine
