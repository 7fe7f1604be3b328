#include "collector/store/engine/recovery.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/store/engine/log_replay.h"
#include "collector/store/log/segment.h"
#include "common/bounded_queue.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// So many frames are read ahead of each thread that applies them. They keep their segments in
// memory, and are at most some megabytes each.
constexpr size_t kFramesAhead = 16;

struct SharedFrame {
  std::shared_ptr<const std::string> contents;  // of its segment
  ReplayedFrame frame;
  uint64_t offset = 0;
};

// Applies frames to some of the head's shards on a thread of its own, as they come.
class Applier {
 public:
  Applier(const ReplayOptions& options, ReplayPart part, head::Head& head, Metrics& metrics)
      : replay_(options, part, head, metrics), thread_([this] { Run(); }) {}
  ~Applier() { Finish(); }

  // Waits for room.
  void Put(const SharedFrame& frame) { frames_.Push(SharedFrame(frame)); }

  // Waits until all have been applied.
  void Finish() {
    frames_.Close();
    if (thread_.joinable()) thread_.join();
  }

  // After Finish: the segments with something that could not be applied, what else the replay has
  // noted, and the first other error.
  const std::set<uint64_t>& damaged() const { return damaged_; }
  const LogReplay& replay() const { return replay_; }
  const absl::Status& status() const { return status_; }

 private:
  void Run() {
    while (const auto shared = frames_.Pop()) {
      absl::Status applied = replay_.Apply(shared->frame);
      if (applied.ok()) continue;
      spdlog::error("log segment {}, offset {}: {}", shared->frame.segment, shared->offset,
                    std::string(applied.message()));
      if (absl::IsDataLoss(applied)) {
        damaged_.insert(shared->frame.segment);
      } else {
        status_.Update(applied);
      }
    }
  }

  LogReplay replay_;
  BoundedQueue<SharedFrame> frames_{kFramesAhead};
  std::set<uint64_t> damaged_;
  absl::Status status_;
  std::thread thread_;
};

absl::Status ReadFrames(file::Files& files, const Paths& paths, const ReplayOptions& options,
                        LogScan& scan, absl::Span<const std::unique_ptr<Applier>> appliers) {
  uint64_t read_bytes = 0;
  for (const LogScan::Segment& segment : scan.segments) {
    const std::string path = fmt::format("{}/{}", paths.log, log::SegmentName(segment.number));
    LL_ASSIGN_OR_RETURN(std::string read, files.Read(path));
    const auto contents = std::make_shared<const std::string>(std::move(read));
    const bool is_damaged = !scan.damaged.empty() && *scan.damaged.begin() <= segment.number;
    LL_ASSIGN_OR_RETURN(
        const log::SegmentEnd end,
        log::ReadSegment(std::string_view(*contents).substr(0, segment.bytes), path, segment.number,
                         /*is_last=*/false, [&](const log::Frame& frame) {
                           if (!options.go_on(read_bytes + frame.offset)) {
                             return absl::CancelledError("the store is being closed");
                           }
                           const SharedFrame shared{
                               .contents = contents,
                               .frame = {.payload = frame.payload,
                                         .segment = segment.number,
                                         .run = frame.run,
                                         .behind_damage = is_damaged || frame.behind_damage},
                               .offset = frame.offset};
                           for (const auto& applier : appliers) applier->Put(shared);
                           return absl::OkStatus();
                         }));
    read_bytes += segment.bytes;
    if (end.damage.empty() || scan.damaged.contains(segment.number)) continue;
    // Since ScanLog looked.
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
  const size_t count = std::clamp<size_t>(options.threads, 1, head.shard_count());
  std::vector<std::unique_ptr<Applier>> appliers;
  for (size_t i = 0; i < count; ++i) {
    appliers.push_back(std::make_unique<Applier>(options, ReplayPart{i, count}, head, metrics));
  }
  absl::Status status = ReadFrames(files, paths, options, scan, appliers);
  for (const auto& applier : appliers) {
    applier->Finish();
    scan.damaged.insert(applier->damaged().begin(), applier->damaged().end());
    const LogReplay& replay = applier->replay();
    scan.times.insert(replay.times().begin(), replay.times().end());
    if (const auto& undefined = replay.undefined()) {
      if (!scan.undefined) scan.undefined = undefined;
      Widen(*scan.undefined, *undefined);
    }
    status.Update(applier->status());
  }
  return status;
}

}  // namespace leadline::collector::store::engine
