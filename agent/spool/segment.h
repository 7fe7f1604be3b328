// Reads a spool's files: what is in one, which parts of it are damaged, and single records.
//
// Errors: absl::Status with file and offset. NOT_FOUND for a file that is gone (dropped or
// acknowledged meanwhile), DATA_LOSS for what fails its checksum. Threading: any; nothing is shared
// but the files, which are only appended to and removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/spool/format.h"

namespace leadline::agent::spool {

// Where a batch lies.
struct Location {
  uint64_t segment = 0;
  uint64_t offset = 0;  // of its record's header
  uint32_t batch_bytes = 0;
};

struct LostRange {
  Writer writer;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t samples = 0;
};

struct Damage {
  uint64_t offset = 0;
  std::string what;
};

struct SegmentBatch {
  uint64_t offset = 0;
  uint64_t sequence = 0;
  uint64_t samples = 0;
  uint32_t batch_bytes = 0;
  bool usable = false;  // it and all definitions before it in the segment are whole
};

struct SegmentContents {
  SegmentHeader header;
  uint64_t bytes = 0;
  uint64_t acknowledged = 0;
  std::vector<SegmentBatch> batches;
  std::vector<LostRange> lost;
  // Records with definitions before the first damage to one, in order.
  std::vector<uint64_t> definitions;
  std::vector<Damage> damage;
};

// What a segment holds, whatever has happened to it. A damaged batch costs itself; damaged
// definitions cost the batches behind them in the segment, since a number could mean something else
// there. nullopt when even its header cannot be read.
std::optional<SegmentContents> Scan(std::string_view bytes);

struct Record {
  RecordHeader header;
  std::string definitions;
  std::string batch;
};

enum class Parts : uint8_t { kDefinitions, kAll };
absl::StatusOr<Record> ReadRecord(const std::string& dir, uint64_t segment, uint64_t offset,
                                  Parts parts = Parts::kAll);

}  // namespace leadline::agent::spool
