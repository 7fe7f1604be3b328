// Snappy's block format, as remote write and read use it, into buffers that are used again.
//
// Pure functions. Source: https://github.com/google/snappy/blob/main/format_description.txt.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace leadline::collector::remote::wire {

// Bytes that are not set when the buffer grows. Not synchronized.
class Buffer {
 public:
  // Room for `size` bytes; what was in it is gone.
  char* Resize(size_t size);
  std::string_view view() const { return {bytes_.get(), size_}; }
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// INVALID_ARGUMENT where `packed` is not of that format; RESOURCE_EXHAUSTED, before anything is
// unpacked, where it says that it holds more than `max_bytes`.
absl::Status UncompressSnappy(std::string_view packed, size_t max_bytes, Buffer& out);

void CompressSnappy(std::string_view plain, std::string& out);

}  // namespace leadline::collector::remote::wire
