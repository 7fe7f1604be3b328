// The agent's disk spool: batches that no collector has acknowledged, in files that outlive the
// process.
//
// Append-only segments (docs/format/spool.md), each of one writer and beginning with the
// definitions in force, so that each can be replayed without those before it. A segment goes when
// all its batches are acknowledged, or, oldest first, when there is no room: then what was not
// acknowledged is reported to `dropped` and recorded in the newest segment, so that it is known to
// be lost after a restart too. A write is in the kernel when Append returns, which is enough to
// survive kill -9; Sync makes it survive the machine.
//
// Units: bytes are those of files. Bounds: at most max_bytes, and no more than the file system has
// free; memory grows with the number of batches, not with their size. Errors: those of the file
// system, with the path; after one nothing half written stays, and the next batch needs a new
// segment. Threading: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/spool/format.h"
#include "agent/spool/reader.h"
#include "agent/spool/segment.h"
#include "common/fd.h"

namespace leadline::agent::spool {

struct SpoolOptions {
  std::string dir;
  uint64_t max_bytes = 256 << 20;
  Writer writer;  // of this process
  // Batches of `first` to `last` that the spool holds no more.
  std::function<void(const LostRange&)> dropped;
};

// A batch, or a range of lost ones, of an earlier process.
struct RecoveredItem {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t samples = 0;
  std::optional<Location> location;  // none: lost
  bool damaged = false;              // lost just now
};

// What an earlier process left, of one writer.
struct Recovered {
  Writer writer;
  uint64_t acknowledged = 0;         // at least
  std::vector<RecoveredItem> items;  // ascending, without overlaps; those above `acknowledged`
};

class Spool {
 public:
  struct Opened {
    std::unique_ptr<Spool> spool;
    std::vector<Recovered> recovered;  // by epoch
    std::shared_ptr<const DefinitionIndex> definitions;
    uint64_t damaged_places = 0;
  };
  // Makes the directory where there is none, and reads what is in it. Damage is logged with file
  // and offset.
  static absl::StatusOr<Opened> Open(SpoolOptions options);

  // Whether the next batch must go into a new segment.
  bool NeedsSegment() const;
  // `keyframe`: all definitions in force. `first`: the next batch.
  absl::Status BeginSegment(uint64_t first, std::string_view keyframe);
  // REQUIRES: !NeedsSegment(), ascending sequences.
  absl::StatusOr<Location> Append(uint64_t sequence, uint64_t samples, std::string_view definitions,
                                  std::string_view batch);
  absl::Status Sync();

  // Every batch of the writer up to this one is durable at the collector.
  void Acknowledge(const Writer& writer, uint64_t sequence);

  // No more is written. What is acknowledged is removed.
  void Close();

  uint64_t bytes() const { return total_bytes_; }
  size_t segments() const { return segments_.size(); }
  uint64_t dropped_segments() const { return dropped_segments_; }
  uint64_t written_bytes() const { return written_bytes_; }

 private:
  struct Batch {
    uint64_t sequence;
    uint64_t samples;
  };
  struct Segment {
    uint64_t number = 0;
    Writer writer;
    uint64_t bytes = 0;
    std::vector<Batch> batches;
  };
  struct Loss {
    LostRange range;
    bool recorded = false;  // in the newest segment
  };

  explicit Spool(SpoolOptions options) : options_(std::move(options)) {}
  absl::Status Recover(Opened& opened);
  // Puts what was found into `recovered`, which has an element a writer.
  void Collect(const SegmentContents& contents, std::vector<Recovered>& recovered) const;

  std::string Path(uint64_t number) const;
  uint64_t Limit() const;
  bool MakeRoom(uint64_t bytes);
  bool DropOldest();
  void Remove(size_t index);
  void NoteLoss(const LostRange& range);
  // To the newest segment, dropping old ones while the disk is full; on failure nothing of it
  // stays.
  absl::Status Write(std::string_view bytes);
  absl::Status WriteLosses();
  void CloseSegment();

  const SpoolOptions options_;
  std::deque<Segment> segments_;  // by number; the last is written to while fd_ is open
  Fd fd_;
  bool directory_changed_ = false;  // since the last Sync
  uint64_t next_number_ = 1;
  uint64_t total_bytes_ = 0;
  uint64_t written_bytes_ = 0;
  uint64_t keyframe_bytes_ = 0;
  uint32_t definitions_written_ = 0;  // records of the newest segment that have them
  std::map<Writer, uint64_t> acknowledged_;
  uint64_t dropped_segments_ = 0;
  std::vector<Loss> losses_;
};

}  // namespace leadline::agent::spool
