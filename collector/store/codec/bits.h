// Bit streams, most significant bit first, for the XOR float encoding.
//
// BitReader returns zeros past the end and ok() turns false. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leadline::collector::store::codec {

class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  // The low `count` bits of value. REQUIRES: count <= 64.
  void Write(uint64_t value, int count) {
    while (count > 0) {
      if (free_ == 0) {
        out_.push_back(0);
        free_ = 8;
      }
      const int taken = count < free_ ? count : free_;
      const auto bits = static_cast<uint8_t>((value >> (count - taken)) & ((1u << taken) - 1));
      out_.back() =
          static_cast<char>(static_cast<uint8_t>(out_.back()) | (bits << (free_ - taken)));
      free_ -= taken;
      count -= taken;
    }
  }

 private:
  std::string& out_;
  int free_ = 0;  // unused bits of out_'s last byte
};

class BitReader {
 public:
  explicit BitReader(std::string_view data) : data_(data) {}

  // REQUIRES: count <= 64.
  uint64_t Read(int count) {
    uint64_t value = 0;
    while (count > 0) {
      if (byte_ >= data_.size()) {
        ok_ = false;
        return 0;
      }
      const int available = 8 - bit_;
      const int taken = count < available ? count : available;
      const auto bits = static_cast<uint8_t>(data_[byte_]) >> (available - taken);
      value = (value << taken) | (static_cast<uint64_t>(bits) & ((1u << taken) - 1));
      bit_ += taken;
      if (bit_ == 8) {
        bit_ = 0;
        ++byte_;
      }
      count -= taken;
    }
    return value;
  }

  bool ok() const { return ok_; }
  // A byte that was read in part counts.
  size_t bytes_read() const { return byte_ + (bit_ > 0 ? 1 : 0); }

 private:
  std::string_view data_;
  size_t byte_ = 0;
  int bit_ = 0;
  bool ok_ = true;
};

}  // namespace leadline::collector::store::codec
