#include "agent/record/format.h"

#include <xxhash.h>

#include <random>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::agent::record {
namespace {

constexpr std::string_view kMagic = "LLrecord";
constexpr std::string_view kBlockMagic = "LLrb";
constexpr int kCompressionLevel = 3;
// 8 MiB: what was kept in the turn before is still in the window.
constexpr int kWindowLog = 23;

uint64_t Checksum(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

Id128 RandomId() {
  std::random_device device;
  const auto number = [&] { return uint64_t{device()} << 32 | device(); };
  const uint64_t high = number();
  return {.high = high, .low = number()};
}

bool IsRecording(std::string_view bytes) { return bytes.starts_with(kMagic); }

std::string EncodeHeader(const Header& header) {
  std::string out(kMagic);
  AppendFixed32(kVersion, out);
  AppendFixed32(0, out);
  out += header.id.ToBytes();
  AppendFixed64(static_cast<uint64_t>(header.begun_unix_ms), out);
  AppendFixed64(Checksum(out, 0), out);
  return out;
}

absl::StatusOr<Header> ParseHeader(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Bytes(kMagic.size()) != kMagic) {
    return absl::InvalidArgumentError("it is no recording: it does not begin with LLrecord");
  }
  // A newer version may have another header: its number comes first.
  const uint32_t version = reader.Fixed32();
  if (reader.ok() && version != kVersion) {
    return absl::UnimplementedError(
        fmt::format("it is a recording of version {}, this program reads {}", version, kVersion));
  }
  reader.Fixed32();
  const auto id = Id128::FromBytes(reader.Bytes(16));
  const auto begun_unix_ms = static_cast<int64_t>(reader.Fixed64());
  const uint64_t checksum = reader.Fixed64();
  if (!reader.ok()) return absl::OutOfRangeError("it ends within its header");
  if (checksum != Checksum(bytes.substr(0, kHeaderBytes - sizeof(checksum)), 0)) {
    return absl::DataLossError("its header is damaged");
  }
  return Header{.id = *id, .begun_unix_ms = begun_unix_ms};
}

void AppendEntry(const Entry& entry, std::string& out) {
  AppendVarint(static_cast<uint64_t>(entry.topic), out);
  AppendString(entry.key, out);
  AppendString(entry.answer, out);
}

std::optional<Entry> TakeEntry(ByteReader& contents) {
  if (contents.AtEnd()) return std::nullopt;
  Entry entry;
  const uint64_t topic = contents.Varint();
  if (topic > UINT8_MAX) contents.Fail();
  entry.topic = static_cast<Topic>(topic);
  entry.key = contents.String();
  entry.answer = contents.String();
  if (!contents.ok()) return std::nullopt;
  return entry;
}

BlockWriter::BlockWriter() : stream_(kCompressionLevel, kWindowLog) {}

absl::StatusOr<std::string> BlockWriter::Block(std::string_view contents) {
  LL_ASSIGN_OR_RETURN(const std::string compressed, stream_.Flush(contents));
  const uint64_t number = next_number_++;
  std::string block(kBlockMagic);
  AppendFixed32(static_cast<uint32_t>(compressed.size()), block);
  AppendFixed32(static_cast<uint32_t>(contents.size()), block);
  AppendFixed32(0, block);
  AppendFixed64(Checksum(compressed, number), block);
  AppendFixed64(Checksum(block, number), block);
  return block + compressed;
}

BlockReader::BlockReader(std::string_view bytes, const Header& header)
    : bytes_(bytes), header_(header), stream_(kWindowLog) {}

absl::StatusOr<BlockReader> BlockReader::Open(std::string_view bytes) {
  LL_ASSIGN_OR_RETURN(const Header header, ParseHeader(bytes));
  return BlockReader(bytes, header);
}

absl::StatusOr<std::optional<std::string>> BlockReader::Next() {
  const std::string_view rest = bytes_.substr(offset_);
  if (rest.empty()) return std::nullopt;
  const auto where = [&](std::string_view what) {
    return fmt::format("at byte {}: {}", offset_, what);
  };
  ByteReader reader(rest);
  const std::string_view magic = reader.Bytes(kBlockMagic.size());
  const uint32_t compressed_bytes = reader.Fixed32();
  const uint32_t contents_bytes = reader.Fixed32();
  reader.Fixed32();
  const uint64_t checksum = reader.Fixed64();
  const uint64_t header_checksum = reader.Fixed64();
  if (!reader.ok()) return absl::OutOfRangeError(where("it ends within the header of a block"));
  if (magic != kBlockMagic ||
      header_checksum !=
          Checksum(rest.substr(0, kBlockHeaderBytes - sizeof(header_checksum)), next_number_)) {
    return absl::DataLossError(where("the header of a block is damaged"));
  }
  if (contents_bytes > kMaxBlockBytes) {
    return absl::DataLossError(where(
        fmt::format("a block of {} bytes, at most {} are taken", contents_bytes, kMaxBlockBytes)));
  }
  const std::string_view compressed = reader.Bytes(compressed_bytes);
  if (!reader.ok()) return absl::OutOfRangeError(where("it ends within a block"));
  if (checksum != Checksum(compressed, next_number_)) {
    return absl::DataLossError(where("a block is damaged"));
  }

  absl::StatusOr<std::string> contents = stream_.Next(compressed, contents_bytes);
  if (!contents.ok()) return absl::DataLossError(where(StatusMessage(contents.status())));
  if (contents->size() != contents_bytes) {
    return absl::DataLossError(where("a block has less in it than its header says"));
  }
  offset_ += kBlockHeaderBytes + compressed_bytes;
  ++next_number_;
  return *std::move(contents);
}

}  // namespace leadline::agent::record
