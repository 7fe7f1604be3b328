// Labels, entity versions, floats and histograms as bytes, as the log and the windows keep them.
//
// Format: docs/format/log.md. Readers fail through ByteReader::ok(). Not synchronized.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "collector/model/entity.h"
#include "collector/model/sample.h"
#include "common/bytes.h"
#include "common/exact_integer.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store::codec {

void AppendId(const Id128& id, std::string& out);
Id128 ReadId(ByteReader& reader);

void AppendLabels(const LabelSet& labels, std::string& out);
LabelSet ReadLabels(ByteReader& reader);

void AppendEntityVersion(const model::EntityVersion& version, std::string& out);
model::EntityVersion ReadEntityVersion(ByteReader& reader);
// Of a version what matters for one label, of either kind; "" where it has no such label. The value
// is a view into what is read.
struct VersionLabel {
  std::string_view value;
  int64_t end_ms = 0;
  int64_t valid_from_ms = 0;
};
VersionLabel ReadVersionLabel(ByteReader& reader, std::string_view name);

// Whole numbers take what they need.
inline constexpr uint64_t kRawFloat = 1;
inline void AppendFloat(double value, std::string& out) {
  int64_t integer = 0;
  if (AsExactInteger(value, integer)) return AppendVarint(ZigZag(integer) << 1, out);
  AppendVarint(kRawFloat, out);
  AppendFixed64(std::bit_cast<uint64_t>(value), out);
}

inline double ReadFloat(ByteReader& reader) {
  const uint64_t code = reader.Varint();
  if (code == kRawFloat) return std::bit_cast<double>(reader.Fixed64());
  const auto value = static_cast<double>(UnZigZag(code >> 1));
  if ((code & 1) != 0 || std::fabs(value) > kMaxExactInteger) reader.Fail();
  return value;
}

// The same from `at` on, before `end`; false, with `at` anywhere before it, for what is malformed.
inline bool ReadFloat(const uint8_t*& at, const uint8_t* end, double& value) {
  constexpr int kMostShift = 56;  // of a whole number's last byte
  uint64_t code = 0;
  for (int shift = 0;; shift += 7) {
    if (at == end || shift > kMostShift) return false;
    const uint8_t byte = *at++;
    code |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) break;
  }
  if (code == kRawFloat) {
    if (static_cast<size_t>(end - at) < sizeof value) return false;
    std::memcpy(&value, at, sizeof value);
    at += sizeof value;
    return true;
  }
  value = static_cast<double>(UnZigZag(code >> 1));
  return (code & 1) == 0 && std::fabs(value) <= kMaxExactInteger;
}

// Beside a histogram's reset hint: its counts are floats. On disk.
inline constexpr uint8_t kFloatCounts = 4;

void AppendHistogram(const model::NativeHistogram& histogram, std::string& out);
model::NativeHistogram ReadHistogram(ByteReader& reader);

}  // namespace leadline::collector::store::codec
