#include "collector/store/codec/floats.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <optional>

#include "collector/store/codec/bits.h"
#include "collector/store/codec/integers.h"

namespace leadline::collector::store::codec {
namespace {

// On disk: never renumber.
enum FloatMode : uint8_t { kConstant = 0, kIntegers = 1, kXor = 2, kRaw = 3 };

constexpr double kMaxExact = 9007199254740992.0;  // 2^53
constexpr int kLeadingBits = 5;
constexpr int kMaxLeading = (1 << kLeadingBits) - 1;
constexpr int kLengthBits = 6;  // 64 is written as 0

uint64_t Bits(double value) { return std::bit_cast<uint64_t>(value); }

std::optional<std::vector<int64_t>> AsIntegers(absl::Span<const double> values) {
  std::vector<int64_t> integers;
  integers.reserve(values.size());
  for (double value : values) {
    if (!(std::fabs(value) <= kMaxExact)) return std::nullopt;
    const auto integer = static_cast<int64_t>(value);
    if (Bits(static_cast<double>(integer)) != Bits(value)) return std::nullopt;
    integers.push_back(integer);
  }
  return integers;
}

void EncodeXor(absl::Span<const double> values, std::string& out) {
  BitWriter writer(out);
  uint64_t previous = Bits(values[0]);
  writer.Write(previous, 64);
  int leading = 0;
  int length = 0;  // of the window in force; 0: none yet
  for (double value : values.subspan(1)) {
    const uint64_t changed = Bits(value) ^ previous;
    previous = Bits(value);
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
}

void DecodeXor(ByteReader& reader, size_t count, std::vector<double>& values) {
  const std::string_view data = reader.String();
  BitReader bits(data);
  uint64_t value = bits.Read(64);
  int leading = 0;
  int length = 0;
  for (size_t i = 0; i < count && bits.ok(); ++i) {
    if (i > 0 && bits.Read(1) == 1) {
      if (bits.Read(1) == 1) {
        leading = static_cast<int>(bits.Read(kLeadingBits));
        length = static_cast<int>(bits.Read(kLengthBits));
        if (length == 0) length = 64;
      }
      if (length == 0 || leading + length > 64) return reader.Fail();
      value ^= bits.Read(length) << (64 - leading - length);
    }
    values.push_back(std::bit_cast<double>(value));
  }
  if (!bits.ok() || bits.bytes_read() != data.size()) reader.Fail();
}

}  // namespace

void EncodeFloats(absl::Span<const double> values, std::string& out) {
  if (std::all_of(values.begin(), values.end(),
                  [&](double value) { return Bits(value) == Bits(values[0]); })) {
    out.push_back(static_cast<char>(kConstant));
    return AppendFixed64(Bits(values[0]), out);
  }
  if (const auto integers = AsIntegers(values)) {
    out.push_back(static_cast<char>(kIntegers));
    return EncodeIntegers(*integers, out);
  }
  std::string packed;
  EncodeXor(values, packed);
  if (packed.size() < values.size() * sizeof(double)) {
    out.push_back(static_cast<char>(kXor));
    return AppendString(packed, out);
  }
  out.push_back(static_cast<char>(kRaw));
  for (double value : values) AppendFixed64(Bits(value), out);
}

void DecodeFloats(ByteReader& reader, size_t count, std::vector<double>& values) {
  switch (reader.Byte()) {
    case kConstant:
      values.insert(values.end(), count, std::bit_cast<double>(reader.Fixed64()));
      return;
    case kIntegers: {
      std::vector<int64_t> integers;
      DecodeIntegers(reader, count, integers);
      for (int64_t integer : integers) values.push_back(static_cast<double>(integer));
      return;
    }
    case kXor:
      return DecodeXor(reader, count, values);
    case kRaw: {
      ByteReader raw(reader.Bytes(count * sizeof(double)));
      for (size_t i = 0; i < count && raw.ok(); ++i) {
        values.push_back(std::bit_cast<double>(raw.Fixed64()));
      }
      return;
    }
    default:
      reader.Fail();
  }
}

}  // namespace leadline::collector::store::codec
