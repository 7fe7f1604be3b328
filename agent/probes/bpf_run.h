// Runs a BPF program that is attached to nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::agent::probes {

// What it returns. `program_fd` is of a raw tracepoint's program, which gets `argument` as its
// first; `name` is for the error. From Linux 5.10 on.
absl::StatusOr<uint32_t> RunBpfProgram(int program_fd, std::string_view name, uint64_t argument);

}  // namespace leadline::agent::probes
