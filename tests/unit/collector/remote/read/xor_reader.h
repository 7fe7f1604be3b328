// Reads Prometheus' XOR chunks, from the description of the format: the oracle of what writes them.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace leadline::collector::remote::read {

class XorReader {
 public:
  explicit XorReader(std::string_view chunk) : bytes_(chunk) {}

  std::vector<std::pair<int64_t, double>> ReadAll() {
    std::vector<std::pair<int64_t, double>> samples;
    const uint64_t count = Bits(16);
    int64_t ts_ms = 0;
    int64_t step = 0;
    uint64_t value = 0;
    int leading = 0;
    int trailing = 0;
    for (uint64_t i = 0; i < count; ++i) {
      if (i == 0) {
        const uint64_t zigzag = Varint();
        ts_ms = static_cast<int64_t>(zigzag >> 1) ^ -static_cast<int64_t>(zigzag & 1);
        value = Bits(64);
      } else {
        step = i == 1 ? static_cast<int64_t>(Varint()) : step + Difference();
        ts_ms += step;
        if (Bits(1) == 1) {
          if (Bits(1) == 1) {
            leading = static_cast<int>(Bits(5));
            int meaningful = static_cast<int>(Bits(6));
            if (meaningful == 0) meaningful = 64;
            trailing = 64 - leading - meaningful;
          }
          value ^= Bits(64 - leading - trailing) << trailing;
        }
      }
      samples.emplace_back(ts_ms, std::bit_cast<double>(value));
    }
    return samples;
  }

  // Fewer than a byte is left.
  bool AtEnd() const { return (at_ + 7) / 8 == bytes_.size(); }

 private:
  uint64_t Bits(int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; ++i, ++at_) {
      const auto byte = static_cast<uint8_t>(bytes_.at(at_ / 8));
      value = value << 1 | (byte >> (7 - at_ % 8) & 1);
    }
    return value;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint64_t byte = Bits(8);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  int64_t Difference() {
    int ones = 0;
    while (ones < 4 && Bits(1) == 1) ++ones;
    if (ones == 0) return 0;
    constexpr int kBits[] = {0, 14, 17, 20, 64};
    const int bits = kBits[ones];
    const uint64_t value = Bits(bits);
    if (bits < 64 && value > uint64_t{1} << (bits - 1)) {
      return static_cast<int64_t>(value) - (int64_t{1} << bits);
    }
    return static_cast<int64_t>(value);
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

}  // namespace leadline::collector::remote::read
