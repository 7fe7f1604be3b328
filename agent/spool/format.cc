#include "agent/spool/format.h"

#include <xxhash.h>

#include <charconv>
#include <type_traits>

#include <fmt/format.h>

namespace leadline::agent::spool {
namespace {

constexpr std::string_view kSegmentMagic("LLspool\0", 8);
constexpr std::string_view kSuffix = ".seg";
constexpr size_t kNameDigits = 20;
constexpr size_t kWriterBytes = 32;

template <typename T>
void Put(std::string& out, T value) {
  static_assert(std::is_unsigned_v<T>);
  for (size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

template <typename T>
T Get(std::string_view bytes, size_t offset) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<uint8_t>(bytes[offset + i])) << (8 * i));
  }
  return value;
}

uint64_t LongChecksum(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

uint32_t Checksum(std::string_view bytes, uint64_t segment) {
  return static_cast<uint32_t>(LongChecksum(bytes, segment));
}

std::string EncodeWriter(const Writer& writer) {
  std::string out = writer.agent_id.ToBytes();
  Put(out, writer.epoch);
  Put(out, writer.instance);
  return out;
}

std::optional<Writer> ParseWriter(std::string_view bytes) {
  if (bytes.size() != kWriterBytes) return std::nullopt;
  const auto agent_id = Id128::FromBytes(bytes.substr(0, 16));
  return Writer{*agent_id, Get<uint64_t>(bytes, 16), Get<uint64_t>(bytes, 24)};
}

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out(kSegmentMagic);
  Put(out, kVersion);
  Put(out, uint32_t{0});
  out += EncodeWriter(header.writer);
  Put(out, header.number);
  Put(out, LongChecksum(out, header.number));
  return out;
}

std::optional<SegmentHeader> ParseSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) return std::nullopt;
  if (Get<uint32_t>(bytes, 8) != kVersion) return std::nullopt;
  SegmentHeader header;
  header.writer = *ParseWriter(bytes.substr(16, kWriterBytes));
  header.number = Get<uint64_t>(bytes, 48);
  if (Get<uint64_t>(bytes, 56) != LongChecksum(bytes.substr(0, 56), header.number)) {
    return std::nullopt;
  }
  return header;
}

std::optional<uint32_t> NewerVersion(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic)) return std::nullopt;
  const auto version = Get<uint32_t>(bytes, 8);
  return version > kVersion ? std::optional(version) : std::nullopt;
}

std::string EncodeRecordHeader(RecordHeader header, std::string_view definitions,
                               std::string_view batch, uint64_t segment) {
  std::string out(kRecordMagic);
  out.reserve(kRecordHeaderBytes + definitions.size() + batch.size());
  Put(out, static_cast<uint32_t>(header.type));
  Put(out, header.first);
  Put(out, header.last);
  Put(out, header.samples);
  Put(out, header.acknowledged);
  Put(out, header.definitions_before);
  Put(out, static_cast<uint32_t>(definitions.size()));
  Put(out, static_cast<uint32_t>(batch.size()));
  Put(out, uint32_t{0});
  Put(out, Checksum(definitions, segment));
  Put(out, Checksum(batch, segment));
  Put(out, LongChecksum(out, segment));
  return out;
}

std::optional<RecordHeader> ParseRecordHeader(std::string_view bytes, uint64_t segment) {
  if (bytes.size() < kRecordHeaderBytes || !bytes.starts_with(kRecordMagic)) return std::nullopt;
  if (Get<uint64_t>(bytes, 64) != LongChecksum(bytes.substr(0, 64), segment)) return std::nullopt;
  const auto type = Get<uint32_t>(bytes, 4);
  RecordHeader header;
  if (type < static_cast<uint32_t>(RecordType::kKeyframe) ||
      type > static_cast<uint32_t>(RecordType::kLost)) {
    return std::nullopt;
  }
  header.type = static_cast<RecordType>(type);
  header.first = Get<uint64_t>(bytes, 8);
  header.last = Get<uint64_t>(bytes, 16);
  header.samples = Get<uint64_t>(bytes, 24);
  header.acknowledged = Get<uint64_t>(bytes, 32);
  header.definitions_before = Get<uint32_t>(bytes, 40);
  header.definitions_bytes = Get<uint32_t>(bytes, 44);
  header.batch_bytes = Get<uint32_t>(bytes, 48);
  header.definitions_checksum = Get<uint32_t>(bytes, 56);
  header.batch_checksum = Get<uint32_t>(bytes, 60);
  if (header.definitions_bytes > kMaxPartBytes || header.batch_bytes > kMaxPartBytes ||
      header.first > header.last) {
    return std::nullopt;
  }
  return header;
}

std::string SegmentFileName(uint64_t number) { return fmt::format("{:020}{}", number, kSuffix); }

std::optional<uint64_t> ParseSegmentFileName(std::string_view name) {
  if (name.size() != kNameDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t number = 0;
  const char* const end = name.data() + kNameDigits;
  const auto [parsed, error] = std::from_chars(name.data(), end, number);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return number;
}

}  // namespace leadline::agent::spool
