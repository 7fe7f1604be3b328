// The bytes of a recording: docs/format/recording.md.
//
// A header, blocks, each with its checksum. The blocks' contents are one zstd stream, flushed at
// the end of each block, so that a turn costs what is new in it. What comes out of them are
// entries. Pure functions but for BlockWriter and BlockReader, which hold the stream's state.
// Errors: INVALID_ARGUMENT for what is no recording, UNIMPLEMENTED for a version that is not known
// here, OUT_OF_RANGE where it ends within a block, DATA_LOSS for damage; the text has the offset.
// Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/record/tape.h"
#include "common/bytes.h"
#include "common/id128.h"
#include "common/zstd/stream.h"

namespace leadline::agent::record {

inline constexpr uint32_t kVersion = 1;
inline constexpr size_t kHeaderBytes = 48;
inline constexpr size_t kBlockHeaderBytes = 32;
// Of the contents of a block, which is more than an answer by the entry's other parts.
inline constexpr size_t kMaxBlockBytes = kMaxAnswerBytes + (1 << 20);

Id128 RandomId();

struct Header {
  Id128 id;  // random: tells recordings apart
  int64_t begun_unix_ms = 0;

  bool operator==(const Header&) const = default;
};
// Whether it begins as a recording of any version does.
bool IsRecording(std::string_view bytes);
std::string EncodeHeader(const Header& header);
absl::StatusOr<Header> ParseHeader(std::string_view bytes);

struct Entry {
  Topic topic = Topic::kTurn;
  std::string_view key;
  std::string_view answer;
};
void AppendEntry(const Entry& entry, std::string& out);
// nullopt at the end of `contents`, or, with ok() false, when they are malformed.
std::optional<Entry> TakeEntry(ByteReader& contents);

class BlockWriter {
 public:
  BlockWriter();

  // The block of these contents, at most kMaxBlockBytes. INTERNAL when zstd fails.
  absl::StatusOr<std::string> Block(std::string_view contents);

 private:
  zstd::Compressor stream_;
  uint64_t next_number_ = 1;
};

class BlockReader {
 public:
  // `bytes`: the whole recording; must outlive this.
  static absl::StatusOr<BlockReader> Open(std::string_view bytes);

  const Header& header() const { return header_; }
  // The contents of the next block; nullopt at the end.
  absl::StatusOr<std::optional<std::string>> Next();
  // Where the next block begins.
  size_t offset() const { return offset_; }

 private:
  BlockReader(std::string_view bytes, const Header& header);

  std::string_view bytes_;
  Header header_;
  size_t offset_ = kHeaderBytes;
  uint64_t next_number_ = 1;
  zstd::Decompressor stream_;
};

}  // namespace leadline::agent::record
