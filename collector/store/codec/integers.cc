#include "collector/store/codec/integers.h"

#include <algorithm>
#include <bit>

namespace leadline::collector::store::codec {
namespace {

// On disk: never renumber.
enum IntegerMode : uint8_t { kSame = 0, kLinear = 1, kDelta = 2, kDeltaOfDelta = 3 };

constexpr size_t kBlock = 32;  // residuals that share one width

int64_t Difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
int64_t Sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

std::vector<int64_t> Differences(absl::Span<const int64_t> values) {
  std::vector<int64_t> differences(values.size() - 1);
  for (size_t i = 1; i < values.size(); ++i) {
    differences[i - 1] = Difference(values[i], values[i - 1]);
  }
  return differences;
}

int WidthOf(absl::Span<const int64_t> block) {
  uint64_t all = 0;
  for (int64_t value : block) all |= ZigZag(value);
  return static_cast<int>(std::bit_width(all));
}

size_t PackedBytes(size_t count, int width) { return (count * static_cast<size_t>(width) + 7) / 8; }

size_t PackedSize(absl::Span<const int64_t> values) {
  size_t size = 0;
  for (size_t i = 0; i < values.size(); i += kBlock) {
    const auto block = values.subspan(i, kBlock);
    size += 1 + PackedBytes(block.size(), WidthOf(block));
  }
  return size;
}

void PackBlock(absl::Span<const int64_t> block, std::string& out) {
  const int width = WidthOf(block);
  out.push_back(static_cast<char>(width));
  unsigned __int128 bits = 0;
  int held = 0;
  for (int64_t value : block) {
    bits |= static_cast<unsigned __int128>(ZigZag(value)) << held;
    for (held += width; held >= 8; held -= 8, bits >>= 8) out.push_back(static_cast<char>(bits));
  }
  if (held > 0) out.push_back(static_cast<char>(bits));
}

void Pack(absl::Span<const int64_t> values, std::string& out) {
  for (size_t i = 0; i < values.size(); i += kBlock) PackBlock(values.subspan(i, kBlock), out);
}

// Calls take(value) for `count` residuals.
template <typename Take>
void Unpack(ByteReader& reader, size_t count, Take take) {
  while (count > 0) {
    const size_t in_block = std::min(count, kBlock);
    const int width = reader.Byte();
    if (width > 64) return reader.Fail();
    const std::string_view bytes = reader.Bytes(PackedBytes(in_block, width));
    if (!reader.ok()) return;
    const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
    unsigned __int128 bits = 0;
    int held = 0;
    size_t next = 0;
    for (size_t i = 0; i < in_block; ++i) {
      for (; held < width; held += 8) {
        bits |= static_cast<unsigned __int128>(static_cast<uint8_t>(bytes[next++])) << held;
      }
      take(UnZigZag(static_cast<uint64_t>(bits) & mask));
      bits >>= width;
      held -= width;
    }
    count -= in_block;
  }
}

}  // namespace

void EncodeIntegers(absl::Span<const int64_t> values, std::string& out) {
  const std::vector<int64_t> deltas = Differences(values);
  const auto header = [&](IntegerMode mode) {
    out.push_back(static_cast<char>(mode));
    AppendSigned(values[0], out);
  };
  if (std::all_of(deltas.begin(), deltas.end(), [](int64_t delta) { return delta == 0; })) {
    return header(kSame);
  }
  const std::vector<int64_t> changes = Differences(deltas);
  if (std::all_of(changes.begin(), changes.end(), [](int64_t change) { return change == 0; })) {
    header(kLinear);
    return AppendSigned(deltas[0], out);
  }
  std::string first_delta;
  AppendSigned(deltas[0], first_delta);
  if (PackedSize(changes) + first_delta.size() < PackedSize(deltas)) {
    header(kDeltaOfDelta);
    out += first_delta;
    Pack(changes, out);
  } else {
    header(kDelta);
    Pack(deltas, out);
  }
}

void DecodeIntegers(ByteReader& reader, size_t count, std::vector<int64_t>& values) {
  const uint8_t mode = reader.Byte();
  int64_t value = reader.Signed();
  int64_t delta = 0;
  if (mode == kLinear || mode == kDeltaOfDelta) delta = reader.Signed();
  if (!reader.ok()) return;
  values.push_back(value);
  const auto step = [&] {
    value = Sum(value, delta);
    values.push_back(value);
  };
  switch (mode) {
    case kSame:
      values.insert(values.end(), count - 1, value);
      return;
    case kLinear:
      for (size_t i = 1; i < count; ++i) step();
      return;
    case kDelta:
      return Unpack(reader, count - 1, [&](int64_t residual) {
        delta = residual;
        step();
      });
    case kDeltaOfDelta:
      if (count < 2) return reader.Fail();
      step();
      return Unpack(reader, count - 2, [&](int64_t residual) {
        delta = Sum(delta, residual);
        step();
      });
    default:
      reader.Fail();
  }
}

}  // namespace leadline::collector::store::codec
