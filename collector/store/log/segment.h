// Segments of the log: files of checksummed frames, one frame a commit.
//
// A commit is written as one frame and synced before the next begins. So a frame that is damaged
// although a good one follows was durable once: that is DATA_LOSS. A damaged end of the last
// segment was never acknowledged: it is torn, and cut. Frames behind damage are found again by
// their magic and checksums. Format: docs/format/log.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::collector::store::log {

inline constexpr uint8_t kSegmentVersion = 2;
inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kFrameHeaderBytes = 24;
inline constexpr size_t kMaxFrameBytes = size_t{1} << 30;

std::string SegmentName(uint64_t number);
// 0 when `name` is not that of a segment; numbers begin with 1.
uint64_t SegmentNumber(std::string_view name);

// A frame's place: its segment, and the run of the program that wrote it, which is the number of
// the run's first segment. Handles are those of a run.
struct FrameOrigin {
  uint64_t segment = 0;
  uint32_t run = 0;
};

// `previous_bytes`: of the segment before, what was acknowledged. What is behind is left out when
// it is read: the log went on here because a sync there failed.
void AppendSegmentHeader(uint64_t number, uint64_t previous_bytes, std::string& out);
// REQUIRES: payload.size() <= kMaxFrameBytes.
void AppendFrame(const FrameOrigin& origin, std::string_view payload, std::string& out);

struct SegmentEnd {
  // Of the segment before; kUnknownBytes when the header is damaged or torn.
  static constexpr uint64_t kUnknownBytes = UINT64_MAX;
  uint64_t previous_bytes = kUnknownBytes;
  uint64_t good_bytes = 0;  // up to here the segment was read; 0 when even its header is torn
  uint64_t torn_bytes = 0;  // after that, to be cut
  // DATA_LOSS for each place that is damaged and no torn end, with `path` and the offset.
  std::vector<absl::Status> damage;
  uint64_t salvaged_frames = 0;  // whole ones behind damage
};

// A whole frame. Behind damage, what it refers to may be what was lost.
struct Frame {
  std::string_view payload;
  uint64_t offset = 0;
  uint32_t run = 0;
  bool behind_damage = false;
};

// Calls `visit` with each whole frame in order, also with those behind damage. DATA_LOSS from
// `visit` counts as damage, another error ends the reading and is passed on. UNIMPLEMENTED for a
// other version; the text names `path`.
absl::StatusOr<SegmentEnd> ReadSegment(std::string_view contents, const std::string& path,
                                       uint64_t number, bool is_last,
                                       const std::function<absl::Status(const Frame&)>& visit);

}  // namespace leadline::collector::store::log
