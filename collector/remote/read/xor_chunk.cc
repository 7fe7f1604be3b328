#include "collector/remote/read/xor_chunk.h"

#include <algorithm>
#include <bit>

#include "common/bytes.h"

namespace leadline::collector::remote::read {
namespace {

// Bits from the highest to the lowest, in bytes from the first to the last.
class BitAppender {
 public:
  explicit BitAppender(std::string& out) : out_(out) {}

  void Append(uint64_t value, int bits) {
    while (bits > 0) {
      if (free_ == 0) {
        out_.push_back(0);
        free_ = 8;
      }
      const int taken = std::min(bits, free_);
      const uint64_t part = (value >> (bits - taken)) & ((uint64_t{1} << taken) - 1);
      out_.back() = static_cast<char>(static_cast<uint8_t>(out_.back()) | part << (free_ - taken));
      free_ -= taken;
      bits -= taken;
    }
  }

  void AppendBytes(std::string_view bytes) {
    for (const char byte : bytes) Append(static_cast<uint8_t>(byte), 8);
  }

 private:
  std::string& out_;
  int free_ = 0;  // bits of the last byte
};

// How differences of differences of times are written: a prefix, then so many bits.
struct TimeClass {
  int bits;
  uint64_t prefix;
  int prefix_bits;
};
constexpr TimeClass kTimeClasses[] = {{14, 0b10, 2}, {17, 0b110, 3}, {20, 0b1110, 4}};

// In `bits` bits fit -(2^(bits-1) - 1) to 2^(bits-1).
bool Fits(int64_t value, int bits) {
  return -((int64_t{1} << (bits - 1)) - 1) <= value && value <= int64_t{1} << (bits - 1);
}

void AppendTime(int64_t difference, BitAppender& out) {
  if (difference == 0) return out.Append(0, 1);
  for (const TimeClass& time_class : kTimeClasses) {
    if (!Fits(difference, time_class.bits)) continue;
    out.Append(time_class.prefix, time_class.prefix_bits);
    return out.Append(static_cast<uint64_t>(difference), time_class.bits);
  }
  out.Append(0b1111, 4);
  out.Append(static_cast<uint64_t>(difference), 64);
}

class ValueAppender {
 public:
  void AppendFirst(double value, BitAppender& out) {
    previous_ = std::bit_cast<uint64_t>(value);
    out.Append(previous_, 64);
  }

  void Append(double value, BitAppender& out) {
    const auto bits = std::bit_cast<uint64_t>(value);
    const uint64_t changed = bits ^ previous_;
    previous_ = bits;
    if (changed == 0) return out.Append(0, 1);
    const int leading = std::min(std::countl_zero(changed), kMaxLeading);
    const int trailing = std::countr_zero(changed);
    if (leading_ >= 0 && leading >= leading_ && trailing >= trailing_) {
      out.Append(0b10, 2);
    } else {
      leading_ = leading;
      trailing_ = trailing;
      out.Append(0b11, 2);
      out.Append(static_cast<uint64_t>(leading_), 5);
      // 64 does not fit into six bits and is written as 0, which is never needed.
      out.Append(static_cast<uint64_t>(64 - leading_ - trailing_) & 63, 6);
    }
    out.Append(changed >> trailing_, 64 - leading_ - trailing_);
  }

 private:
  static constexpr int kMaxLeading = 31;

  uint64_t previous_ = 0;
  int leading_ = -1;  // of the last window of bits; none yet
  int trailing_ = 0;
};

std::string Varint(uint64_t value) {
  std::string bytes;
  AppendVarint(value, bytes);
  return bytes;
}

}  // namespace

std::string EncodeXorChunk(absl::Span<const int64_t> ts_ms, absl::Span<const double> values) {
  std::string chunk;
  chunk.push_back(static_cast<char>(ts_ms.size() >> 8));
  chunk.push_back(static_cast<char>(ts_ms.size()));
  BitAppender bits(chunk);
  ValueAppender value;
  bits.AppendBytes(Varint(ZigZag(ts_ms[0])));
  value.AppendFirst(values[0], bits);
  int64_t step = 0;
  for (size_t i = 1; i < ts_ms.size(); ++i) {
    const int64_t next_step = ts_ms[i] - ts_ms[i - 1];
    if (i == 1) {
      bits.AppendBytes(Varint(static_cast<uint64_t>(next_step)));
    } else {
      AppendTime(next_step - step, bits);
    }
    step = next_step;
    value.Append(values[i], bits);
  }
  return chunk;
}

}  // namespace leadline::collector::remote::read
