#include "collector/store/codec/xor.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "collector/store/codec/bits.h"

namespace leadline::collector::store::codec {
namespace {

constexpr int kLeadingBits = 5;
constexpr int kMaxLeading = (1 << kLeadingBits) - 1;
constexpr int kLengthBits = 6;  // 64 is written as 0

}  // namespace

void EncodeXor(absl::Span<const double> values, std::string& out) {
  std::string packed;
  BitWriter writer(packed);
  uint64_t previous = std::bit_cast<uint64_t>(values[0]);
  writer.Write(previous, 64);
  int leading = 0;
  int length = 0;  // of the window in force; 0: none yet
  for (double value : values.subspan(1)) {
    const uint64_t changed = std::bit_cast<uint64_t>(value) ^ previous;
    previous = std::bit_cast<uint64_t>(value);
    if (changed == 0) {
      writer.Write(0, 1);
      continue;
    }
    const int own_leading = std::min(std::countl_zero(changed), kMaxLeading);
    const int own_trailing = std::countr_zero(changed);
    const int trailing = 64 - leading - length;
    if (length > 0 && own_leading >= leading && own_trailing >= trailing) {
      writer.Write(0b10, 2);
    } else {
      leading = own_leading;
      length = 64 - own_leading - own_trailing;
      writer.Write(0b11, 2);
      writer.Write(static_cast<uint64_t>(leading), kLeadingBits);
      writer.Write(static_cast<uint64_t>(length), kLengthBits);
    }
    writer.Write(changed >> (64 - leading - length), length);
  }
  AppendString(packed, out);
}

void DecodeXor(ByteReader& reader, absl::Span<double> values) {
  const std::string_view data = reader.String();
  BitReader bits(data);
  uint64_t value = bits.Read(64);
  int leading = 0;
  int length = 0;
  for (size_t i = 0; i < values.size() && bits.ok(); ++i) {
    if (i > 0 && bits.Read(1) == 1) {
      if (bits.Read(1) == 1) {
        leading = static_cast<int>(bits.Read(kLeadingBits));
        length = static_cast<int>(bits.Read(kLengthBits));
        if (length == 0) length = 64;
      }
      if (length == 0 || leading + length > 64) return reader.Fail();
      value ^= bits.Read(length) << (64 - leading - length);
    }
    values[i] = std::bit_cast<double>(value);
  }
  if (!bits.ok() || bits.bytes_read() != data.size()) reader.Fail();
}

}  // namespace leadline::collector::store::codec
