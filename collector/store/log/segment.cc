#include "collector/store/log/segment.h"

#include <xxhash.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::log {
namespace {

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

struct Parsed {
  bool header_ok = false;
  bool payload_ok = false;
  uint32_t run = 0;
  std::string_view payload;
};

Parsed ParseFrame(std::string_view data, uint64_t segment) {
  Parsed frame;
  ByteReader reader(data);
  const std::string_view covered = data.substr(0, kFrameHeaderBytes - sizeof(uint32_t));
  if (reader.Bytes(kFrameMagic.size()) != kFrameMagic) return frame;
  frame.run = reader.Fixed32();
  const uint32_t size = reader.Fixed32();
  const uint64_t checksum = reader.Fixed64();
  const uint32_t header_checksum = reader.Fixed32();
  frame.header_ok = reader.ok() && header_checksum == ShortChecksum(covered, segment);
  if (!frame.header_ok) return frame;
  frame.payload = reader.Bytes(size);
  frame.payload_ok = reader.ok() && checksum == Checksum(frame.payload, segment);
  return frame;
}

// Where the next whole frame begins, npos when there is none.
size_t FindFrame(std::string_view contents, uint64_t offset, uint64_t segment) {
  size_t at = contents.find(kFrameMagic, offset);
  while (at != std::string_view::npos && !ParseFrame(contents.substr(at), segment).payload_ok) {
    at = contents.find(kFrameMagic, at + 1);
  }
  return at;
}

absl::Status Damage(const std::string& path, uint64_t offset, std::string_view what) {
  return absl::DataLossError(fmt::format("log segment {}, offset {}: {}", path, offset, what));
}

// Whether the header is whole.
absl::StatusOr<bool> ReadHeader(std::string_view contents, const std::string& path, uint64_t number,
                                SegmentEnd& end) {
  ByteReader reader(contents);
  const bool known = reader.Bytes(kSegmentMagic.size()) == kSegmentMagic;
  const uint32_t version = reader.Fixed32();
  const uint64_t own_number = reader.Fixed64();
  const uint64_t previous_bytes = reader.Fixed64();
  const std::string_view covered = contents.substr(0, kSegmentHeaderBytes - sizeof(uint32_t));
  const bool whole = reader.Fixed32() == ShortChecksum(covered, number) && reader.ok();
  // A version that is damaged has the wrong checksum; one that is not may have another header.
  if (known && reader.ok() && (whole || version > kSegmentVersion) && version != kSegmentVersion) {
    return absl::UnimplementedError(fmt::format("log segment {}: version {}; this program reads {}",
                                                path, version, kSegmentVersion));
  }
  if (!known || !whole || own_number != number) return false;
  end.previous_bytes = previous_bytes;
  return true;
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

void AppendSegmentHeader(uint64_t number, uint64_t previous_bytes, std::string& out) {
  std::string header(kSegmentMagic);
  AppendFixed32(kSegmentVersion, header);
  AppendFixed64(number, header);
  AppendFixed64(previous_bytes, header);
  AppendFixed32(ShortChecksum(header, number), header);
  out += header;
}

void AppendFrame(const FrameOrigin& origin, std::string_view payload, std::string& out) {
  std::string header(kFrameMagic);
  AppendFixed32(origin.run, header);
  AppendFixed32(static_cast<uint32_t>(payload.size()), header);
  AppendFixed64(Checksum(payload, origin.segment), header);
  AppendFixed32(ShortChecksum(header, origin.segment), header);
  out += header;
  out += payload;
}

absl::StatusOr<SegmentEnd> ReadSegment(std::string_view contents, const std::string& path,
                                       uint64_t number, bool is_last,
                                       const std::function<absl::Status(const Frame&)>& visit) {
  SegmentEnd end;
  LL_ASSIGN_OR_RETURN(const bool header_ok, ReadHeader(contents, path, number, end));
  size_t offset = kSegmentHeaderBytes;
  if (!header_ok) {
    offset = FindFrame(contents, 0, number);
    if (is_last && offset == std::string_view::npos) {
      return SegmentEnd{.torn_bytes = contents.size()};
    }
    end.damage.push_back(Damage(path, 0, "bad header"));
  }
  while (offset < contents.size()) {
    const Parsed frame = ParseFrame(contents.substr(offset), number);
    if (!frame.payload_ok) {
      const size_t next = FindFrame(contents, offset + 1, number);
      if (is_last && next == std::string_view::npos) break;
      end.damage.push_back(
          Damage(path, offset, frame.header_ok ? "bad frame payload" : "bad frame header"));
      offset = next;
      continue;
    }
    const bool behind_damage = !end.damage.empty();
    absl::Status visited = visit({frame.payload, offset, frame.run, behind_damage});
    if (absl::IsDataLoss(visited)) {
      end.damage.push_back(Damage(path, offset, std::string(visited.message())));
    } else if (!visited.ok()) {
      return absl::Status(visited.code(), fmt::format("log segment {}, offset {}: {}", path, offset,
                                                      std::string(visited.message())));
    } else if (behind_damage) {
      ++end.salvaged_frames;
    }
    offset += kFrameHeaderBytes + frame.payload.size();
  }
  end.good_bytes = std::min(offset, contents.size());
  end.torn_bytes = contents.size() - end.good_bytes;
  return end;
}

}  // namespace leadline::collector::store::log
