#include "collector/store/codec/packing.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace leadline::collector::store::codec {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are loaded as they lie");

constexpr int kOneLoad =
    57;  // bits that one load of eight bytes holds from any bit of the first on

uint64_t Load64(const char* bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

uint64_t LowBits(int width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// Numbers `first` and on, of which every load stays within what `bytes` points to.
void UnpackWhole(const char* bytes, int width, size_t first, absl::Span<uint64_t> out) {
  const uint64_t mask = LowBits(width);
  size_t bit = first * static_cast<size_t>(width);
  if (width <= kOneLoad) {
    for (uint64_t& value : out) {
      value = Load64(bytes + bit / 8) >> (bit % 8) & mask;
      bit += static_cast<size_t>(width);
    }
    return;
  }
  for (uint64_t& value : out) {
    const auto shift = static_cast<int>(bit % 8);
    const uint64_t low = Load64(bytes + bit / 8) >> shift;
    const uint64_t high = Load64(bytes + bit / 8 + 1) >> shift;  // one byte on
    value = (low | high << 8) & mask;
    bit += static_cast<size_t>(width);
  }
}

}  // namespace

void PackBits(absl::Span<const uint64_t> values, int width, std::string& out) {
  if (width == 0) return;
  const uint64_t mask = LowBits(width);
  unsigned __int128 bits = 0;
  int held = 0;
  for (const uint64_t value : values) {
    bits |= static_cast<unsigned __int128>(value & mask) << held;
    held += width;
    if (held < 64) continue;
    const auto word = static_cast<uint64_t>(bits);
    out.append(reinterpret_cast<const char*>(&word), sizeof(word));
    bits >>= 64;
    held -= 64;
  }
  for (; held > 0; held -= 8, bits >>= 8) out.push_back(static_cast<char>(bits));
}

void UnpackBits(std::string_view bytes, int width, absl::Span<uint64_t> out) {
  if (width == 0) {
    std::fill(out.begin(), out.end(), 0);
    return;
  }
  constexpr size_t kReach = 9;  // bytes from the first of a number that may be loaded
  const size_t whole =
      bytes.size() < kReach
          ? 0
          : std::min(out.size(), (bytes.size() - kReach) * 8 / static_cast<size_t>(width) + 1);
  UnpackWhole(bytes.data(), width, 0, out.first(whole));
  // The rest from a copy with room behind it.
  for (size_t i = whole; i < out.size(); ++i) {
    const size_t bit = i * static_cast<size_t>(width);
    char copy[2 * sizeof(uint64_t)] = {};
    const std::string_view rest = bytes.substr(bit / 8, kReach);
    std::memcpy(copy, rest.data(), rest.size());
    const uint64_t low = Load64(copy) >> (bit % 8);
    const uint64_t high = width > kOneLoad ? Load64(copy + 1) >> (bit % 8) << 8 : 0;
    out[i] = (low | high) & LowBits(width);
  }
}

}  // namespace leadline::collector::store::codec
