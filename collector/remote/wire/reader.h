// Protocol Buffers' wire format, read field by field where the bytes lie.
//
//   Reader reader(message);
//   while (reader.Next()) {
//     if (reader.Is(1, WireType::kLength)) name = reader.bytes();
//   }
//   if (!reader.ok()) …
//
// Next reads a tag and its value; fields that nobody asks for, unknown ones and those of another
// wire type than the schema's, are passed over by the next call, as every parser of the format
// does. Groups, which proto3 does not have, are malformed here. Views are into the input, which the
// reader does not own. After malformed or truncated input Next is false from then on, and ok() too.
// Nothing is allocated. Not synchronized. Source:
// https://protobuf.dev/programming-guides/encoding/.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace leadline::collector::remote::wire {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

static_assert(std::endian::native == std::endian::little,
              "fixed-width fields are copied as they are");

class Reader {
 public:
  explicit Reader(std::string_view data) : at_(data.data()), end_(data.data() + data.size()) {}

  // False at the end, and where the input is malformed.
  bool Next() {
    begin_ = at_;
    if (at_ == end_) return false;
    uint64_t tag = 0;
    if (!ReadVarint(tag) || at_ - begin_ > kMaxTagBytes || tag >> 32 != 0 || tag >> 3 == 0) {
      return Fail();
    }
    field_ = static_cast<uint32_t>(tag >> 3);
    type_ = static_cast<WireType>(tag & 7);
    switch (type_) {
      case WireType::kVarint:
        return ReadVarint(number_) || Fail();
      case WireType::kFixed64:
        return ReadFixed(8);
      case WireType::kFixed32:
        return ReadFixed(4);
      case WireType::kLength:
        return ReadBytes();
    }
    return Fail();
  }

  // The next number of a packed field, whose bytes this reader is over.
  bool NextPacked(WireType type) {
    if (at_ == end_) return false;
    type_ = type;
    if (type == WireType::kVarint) return ReadVarint(number_) || Fail();
    return ReadFixed(type == WireType::kFixed64 ? 8 : 4);
  }

  bool Is(uint32_t field, WireType type) const { return field_ == field && type_ == type; }
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }

  // Of a varint, or the bits of a fixed-width field.
  uint64_t number() const { return number_; }
  int64_t AsInt64() const { return static_cast<int64_t>(number_); }
  int64_t AsZigZag() const { return static_cast<int64_t>((number_ >> 1) ^ (~(number_ & 1) + 1)); }
  // As the format has it, 32-bit fields keep the low bits of longer varints.
  uint32_t AsUint32() const { return static_cast<uint32_t>(number_); }
  int32_t AsInt32() const { return static_cast<int32_t>(number_); }
  int32_t AsZigZag32() const {
    const auto low = static_cast<uint32_t>(number_);
    return static_cast<int32_t>((low >> 1) ^ (~(low & 1) + 1));
  }
  double AsDouble() const { return std::bit_cast<double>(number_); }

  // Of a length-delimited field.
  std::string_view bytes() const { return bytes_; }

  // Where the field's tag begins, and where the field ends.
  const char* begin() const { return begin_; }
  const char* end() const { return at_; }

  bool ok() const { return ok_; }

 private:
  static constexpr int kMaxVarintBytes = 10;
  static constexpr int kMaxTagBytes = 5;

  bool ReadVarint(uint64_t& value) {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) {
      value = static_cast<uint8_t>(*at_++);
      return true;
    }
    value = 0;
    for (int i = 0; i < kMaxVarintBytes && at_ != end_; ++i) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return true;
    }
    return false;
  }

  bool ReadFixed(size_t size) {
    if (static_cast<size_t>(end_ - at_) < size) return Fail();
    number_ = 0;
    std::memcpy(&number_, at_, size);
    at_ += size;
    return true;
  }

  bool ReadBytes() {
    uint64_t size = 0;
    if (!ReadVarint(size) || size > static_cast<uint64_t>(end_ - at_)) return Fail();
    bytes_ = std::string_view(at_, size);
    at_ += size;
    return true;
  }

  bool Fail() {
    ok_ = false;
    at_ = end_;
    return false;
  }

  const char* at_;
  const char* end_;
  const char* begin_ = nullptr;
  std::string_view bytes_;
  uint64_t number_ = 0;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  bool ok_ = true;
};

// Calls `add` for each number of a repeated scalar field, on which `field` stands, with a reader
// that stands on the number: they come packed or one a field. False: malformed.
template <typename Add>
bool ForEachNumber(const Reader& field, WireType type, Add add) {
  if (field.type() == type) {
    add(field);
    return true;
  }
  if (field.type() != WireType::kLength) return true;
  Reader packed(field.bytes());
  while (packed.NextPacked(type)) add(packed);
  return packed.ok();
}

}  // namespace leadline::collector::remote::wire
