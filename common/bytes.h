// Numbers and strings as bytes: LEB128 varints, zigzag, fixed-width little-endian numbers.
//
// ByteReader checks every bound: past the end, or on a malformed varint, it returns zeros and
// empty strings from then on and ok() is false, so that callers check once. It does not own its
// input. Nothing here is synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leadline {

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

void AppendVarint(uint64_t value, std::string& out);
inline void AppendSigned(int64_t value, std::string& out) { AppendVarint(ZigZag(value), out); }
void AppendFixed32(uint32_t value, std::string& out);
void AppendFixed64(uint64_t value, std::string& out);
// A varint length and the bytes.
void AppendString(std::string_view text, std::string& out);

class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : rest_(data) {}

  uint8_t Byte();
  uint64_t Varint();
  int64_t Signed() { return UnZigZag(Varint()); }
  uint32_t Fixed32() { return static_cast<uint32_t>(Fixed(4)); }
  uint64_t Fixed64() { return Fixed(8); }
  // A view into the input.
  std::string_view Bytes(size_t size);
  std::string_view String();
  // A varint that says how many elements follow, each at least `least_bytes` long: a count that
  // the rest of the input cannot hold is malformed, so that it is safe to reserve for.
  size_t Count(size_t least_bytes = 1);

  void Fail();
  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  // What was not read yet, a view into the input.
  std::string_view rest() const { return rest_; }

 private:
  uint64_t Fixed(size_t size);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace leadline
