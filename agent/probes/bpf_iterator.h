// Runs a BPF iterator once and reads what it wrote.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace leadline::agent::probes {

// Replaces `output`, whose memory is used again. `link_fd` is the iterator's link, `name` is for
// the error.
absl::Status RunBpfIterator(int link_fd, std::string_view name, std::vector<std::byte>& output);

}  // namespace leadline::agent::probes
