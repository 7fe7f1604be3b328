// Runs another program, without a shell, and takes what it prints.
//
// Used by any thread. The program has no terminal, nothing on its standard input, none of our
// descriptors, and a process group of its own, which is killed when the program may not end by
// itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace leadline::kube::auth {

struct Program {
  std::string file;                      // looked for in $PATH where it has no slash
  std::vector<std::string> args;         // without the program's name
  std::vector<std::string> environment;  // "NAME=value", all of it
  int64_t time_limit_ms = 60'000;
  size_t max_output_bytes = size_t{1} << 20;
};

struct ProgramEnd {
  int exit_code = 0;  // 128 + the signal's number where one ended it
  std::string output;
  std::string errors;  // the end of what came on standard error, kMaxErrorBytes at most
};

inline constexpr size_t kMaxErrorBytes = 4096;

// NOT_FOUND when there is no such program, PERMISSION_DENIED and FAILED_PRECONDITION when it
// cannot be run, DEADLINE_EXCEEDED after time_limit_ms, RESOURCE_EXHAUSTED for too much output,
// CANCELLED once `stop_fd` is readable; in the last three cases it has been killed.
absl::StatusOr<ProgramEnd> RunProgram(const Program& program, int stop_fd);

}  // namespace leadline::kube::auth
