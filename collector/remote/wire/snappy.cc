#include "collector/remote/wire/snappy.h"

#include <snappy.h>

#include <fmt/format.h>

namespace leadline::collector::remote::wire {

char* Buffer::Resize(size_t size) {
  if (size > capacity_) {
    bytes_.reset();  // before the new one is there
    bytes_.reset(new char[size]);
    capacity_ = size;
  }
  size_ = size;
  return bytes_.get();
}

absl::Status UncompressSnappy(std::string_view packed, size_t max_bytes, Buffer& out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(packed.data(), packed.size(), &size)) {
    return absl::InvalidArgumentError("snappy: corrupt input");
  }
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(fmt::format(
        "snappy: decoded block is too large: {} bytes, at most {} are taken", size, max_bytes));
  }
  if (!snappy::RawUncompress(packed.data(), packed.size(), out.Resize(size))) {
    return absl::InvalidArgumentError("snappy: corrupt input");
  }
  return absl::OkStatus();
}

void CompressSnappy(std::string_view plain, std::string& out) {
  snappy::Compress(plain.data(), plain.size(), &out);
}

}  // namespace leadline::collector::remote::wire
