// The bytes of a spool's files: docs/format/spool.md.
//
// Pure functions. Integers are little endian. Checksums are seeded with the segment's number, so
// that what is left of another file in the same blocks is not taken for this one's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/id128.h"

namespace leadline::agent::spool {

inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kRecordHeaderBytes = 72;
inline constexpr std::string_view kRecordMagic = "LLsr";
// What one record's parts may have; more is damage.
inline constexpr uint32_t kMaxPartBytes = 256 << 20;

// Whose batches they are: sequences are numbered within it.
struct Writer {
  Id128 agent_id;
  uint64_t epoch = 0;
  uint64_t instance = 0;  // random, of the process

  auto operator<=>(const Writer&) const = default;
};

struct SegmentHeader {
  uint64_t number = 0;
  Writer writer;
};

enum class RecordType : uint8_t {
  kKeyframe = 1,  // the definitions in force where the segment begins
  kBatch = 2,     // what the batch defines, and the batch
  kLost = 3,      // batches of a writer that were dropped
};

struct RecordHeader {
  RecordType type = RecordType::kBatch;
  uint64_t first = 0;  // sequences
  uint64_t last = 0;
  uint64_t samples = 0;
  uint64_t acknowledged = 0;        // of the segment's writer, when the record was written
  uint32_t definitions_before = 0;  // records of the segment before it that have definitions
  uint32_t definitions_bytes = 0;
  uint32_t batch_bytes = 0;
  uint32_t definitions_checksum = 0;
  uint32_t batch_checksum = 0;

  size_t TotalBytes() const { return kRecordHeaderBytes + definitions_bytes + batch_bytes; }
};

uint32_t Checksum(std::string_view bytes, uint64_t segment);

std::string EncodeSegmentHeader(const SegmentHeader& header);
// nullopt when it is none, or of a version that is not known here.
std::optional<SegmentHeader> ParseSegmentHeader(std::string_view bytes);
// Of a segment that a newer program wrote, whatever its header has.
std::optional<uint32_t> NewerVersion(std::string_view bytes);

// Fills in the lengths and checksums of the parts.
std::string EncodeRecordHeader(RecordHeader header, std::string_view definitions,
                               std::string_view batch, uint64_t segment);
std::optional<RecordHeader> ParseRecordHeader(std::string_view bytes, uint64_t segment);

// The batch part of a kLost record.
std::string EncodeWriter(const Writer& writer);
std::optional<Writer> ParseWriter(std::string_view bytes);

// Segments' file names, by number.
std::string SegmentFileName(uint64_t number);
std::optional<uint64_t> ParseSegmentFileName(std::string_view name);

}  // namespace leadline::agent::spool
