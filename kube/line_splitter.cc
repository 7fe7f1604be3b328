#include "kube/line_splitter.h"

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::kube {

absl::Status LineSplitter::Append(std::string_view chunk, Sink sink) {
  for (size_t end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
    if (unfinished_.empty()) {
      LL_RETURN_IF_ERROR(Deliver(chunk.substr(0, end), sink));
    } else {
      unfinished_ += chunk.substr(0, end);
      std::string line;
      line.swap(unfinished_);
      LL_RETURN_IF_ERROR(Deliver(line, sink));
    }
    chunk.remove_prefix(end + 1);
  }
  if (unfinished_.size() + chunk.size() > max_line_bytes_) {
    return Deliver(unfinished_ + std::string(chunk), sink);
  }
  unfinished_ += chunk;
  return absl::OkStatus();
}

absl::Status LineSplitter::Deliver(std::string_view line, Sink sink) const {
  if (line.size() > max_line_bytes_) {
    return absl::ResourceExhaustedError(
        fmt::format("a line is longer than {} bytes", max_line_bytes_));
  }
  return line.empty() ? absl::OkStatus() : sink(line);
}

}  // namespace leadline::kube
