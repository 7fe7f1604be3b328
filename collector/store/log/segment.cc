#include "collector/store/log/segment.h"

#include <xxhash.h>

#include <charconv>

#include <fmt/format.h>

#include "collector/store/codec/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::log {
namespace {

using codec::AppendFixed32;
using codec::AppendFixed64;
using codec::ByteReader;

constexpr std::string_view kSegmentMagic = "LLlogseg";
constexpr std::string_view kFrameMagic = "LLfr";
constexpr std::string_view kSuffix = ".log";
constexpr int kNumberDigits = 20;

// Seeded with the segment's number, so that a frame of another segment is not taken for one.
uint64_t Checksum(std::string_view data, uint64_t segment) {
  return XXH3_64bits_withSeed(data.data(), data.size(), segment);
}

uint32_t ShortChecksum(std::string_view data, uint64_t segment) {
  return static_cast<uint32_t>(Checksum(data, segment));
}

struct Frame {
  bool header_ok = false;
  bool payload_ok = false;
  std::string_view payload;
};

Frame ParseFrame(std::string_view data, uint64_t segment) {
  Frame frame;
  ByteReader reader(data);
  const std::string_view covered = data.substr(0, kFrameHeaderBytes - sizeof(uint32_t));
  if (reader.Bytes(kFrameMagic.size()) != kFrameMagic) return frame;
  reader.Fixed32();  // reserved
  const uint32_t size = reader.Fixed32();
  const uint64_t checksum = reader.Fixed64();
  const uint32_t header_checksum = reader.Fixed32();
  frame.header_ok = reader.ok() && header_checksum == ShortChecksum(covered, segment);
  if (!frame.header_ok) return frame;
  frame.payload = reader.Bytes(size);
  frame.payload_ok = reader.ok() && checksum == Checksum(frame.payload, segment);
  return frame;
}

bool AnyFrameAfter(std::string_view contents, uint64_t offset, uint64_t segment) {
  for (size_t at = contents.find(kFrameMagic, offset); at != std::string_view::npos;
       at = contents.find(kFrameMagic, at + 1)) {
    if (ParseFrame(contents.substr(at), segment).payload_ok) return true;
  }
  return false;
}

absl::Status Damage(const std::string& path, uint64_t offset, std::string_view what) {
  return absl::DataLossError(fmt::format("log segment {}, offset {}: {}", path, offset, what));
}

}  // namespace

std::string SegmentName(uint64_t number) {
  return fmt::format("{:0{}}{}", number, kNumberDigits, kSuffix);
}

uint64_t SegmentNumber(std::string_view name) {
  if (name.size() != kNumberDigits + kSuffix.size() || !name.ends_with(kSuffix)) return 0;
  uint64_t number = 0;
  const char* end = name.data() + kNumberDigits;
  const auto [stopped, error] = std::from_chars(name.data(), end, number);
  return error == std::errc() && stopped == end ? number : 0;
}

void AppendSegmentHeader(uint64_t number, std::string& out) {
  std::string header(kSegmentMagic);
  AppendFixed32(kSegmentVersion, header);
  AppendFixed64(number, header);
  AppendFixed32(ShortChecksum(header, number), header);
  out += header;
}

void AppendFrame(uint64_t segment, std::string_view payload, std::string& out) {
  std::string header(kFrameMagic);
  AppendFixed32(0, header);
  AppendFixed32(static_cast<uint32_t>(payload.size()), header);
  AppendFixed64(Checksum(payload, segment), header);
  AppendFixed32(ShortChecksum(header, segment), header);
  out += header;
  out += payload;
}

absl::StatusOr<SegmentEnd> ReadSegment(
    std::string_view contents, const std::string& path, uint64_t number, bool is_last,
    const std::function<absl::Status(std::string_view, uint64_t)>& visit) {
  std::string header;
  AppendSegmentHeader(number, header);
  if (!contents.starts_with(header)) {
    ByteReader reader(contents);
    const bool known = reader.Bytes(kSegmentMagic.size()) == kSegmentMagic;
    const uint32_t version = reader.Fixed32();
    if (known && reader.ok() && version > kSegmentVersion) {
      return absl::UnimplementedError(
          fmt::format("log segment {}: version {}; this program reads up to {}", path, version,
                      kSegmentVersion));
    }
    if (!is_last || AnyFrameAfter(contents, 0, number)) return Damage(path, 0, "bad header");
    return SegmentEnd{0, contents.size()};
  }
  uint64_t offset = header.size();
  while (offset < contents.size()) {
    const Frame frame = ParseFrame(contents.substr(offset), number);
    if (!frame.payload_ok) {
      if (!is_last || AnyFrameAfter(contents, offset + 1, number)) {
        return Damage(path, offset, frame.header_ok ? "bad frame payload" : "bad frame header");
      }
      break;
    }
    LL_RETURN_IF_ERROR(visit(frame.payload, offset));
    offset += kFrameHeaderBytes + frame.payload.size();
  }
  return SegmentEnd{offset, contents.size() - offset};
}

}  // namespace leadline::collector::store::log
