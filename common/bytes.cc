#include "common/bytes.h"

namespace leadline {
namespace {

void AppendFixed(uint64_t value, size_t size, std::string& out) {
  for (size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendFixed32(uint32_t value, std::string& out) { AppendFixed(value, 4, out); }
void AppendFixed64(uint64_t value, std::string& out) { AppendFixed(value, 8, out); }

void AppendString(std::string_view text, std::string& out) {
  AppendVarint(text.size(), out);
  out.append(text);
}

uint8_t ByteReader::Byte() {
  if (rest_.empty()) {
    Fail();
    return 0;
  }
  const auto byte = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

uint64_t ByteReader::Varint() {
  uint64_t value = 0;
  size_t at = 0;
  for (int shift = 0; shift < 64 && at < rest_.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest_[at++]);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    rest_.remove_prefix(at);
    return value;
  }
  Fail();
  return 0;
}

std::string_view ByteReader::Bytes(size_t size) {
  if (size > rest_.size()) {
    Fail();
    return {};
  }
  const std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

std::string_view ByteReader::String() { return Bytes(Count()); }

size_t ByteReader::Count(size_t least_bytes) {
  const uint64_t count = Varint();
  if (count > rest_.size() / least_bytes) {
    Fail();
    return 0;
  }
  return count;
}

void ByteReader::Fail() {
  ok_ = false;
  rest_ = {};
}

uint64_t ByteReader::Fixed(size_t size) {
  const std::string_view bytes = Bytes(size);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

}  // namespace leadline
