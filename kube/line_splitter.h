// Cuts a stream into lines, however it was cut into chunks.
//
// Not thread-safe. Holds at most `max_line_bytes` of an unfinished line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace leadline::kube {

class LineSplitter {
 public:
  using Sink = absl::FunctionRef<absl::Status(std::string_view line)>;

  explicit LineSplitter(size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  // Hands over every line that `chunk` completes, without its line feed; empty ones are left out.
  // RESOURCE_EXHAUSTED for a line that is too long; the sink's error ends the chunk.
  absl::Status Append(std::string_view chunk, Sink sink);

  // Bytes of a line that no line feed has ended.
  size_t unfinished_bytes() const { return unfinished_.size(); }

 private:
  absl::Status Deliver(std::string_view line, Sink sink) const;

  const size_t max_line_bytes_;
  std::string unfinished_;
};

}  // namespace leadline::kube
