// Remembers the first line of a file that is not as documented.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace leadline::agent::source {

class Malformed {
 public:
  void Note(std::string_view line) {
    if (count_++ == 0) first_ = line;
  }

  absl::Status ToStatus() const {
    if (count_ == 0) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("{} lines are not as documented, the first is: {}", count_, first_));
  }

 private:
  size_t count_ = 0;
  std::string_view first_;
};

}  // namespace leadline::agent::source
