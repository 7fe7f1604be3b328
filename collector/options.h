// The collector's options, from the command line.
#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace leadline::collector {

struct Options {
  std::string data_dir;
  std::string http = "127.0.0.1:7070";
  std::string grpc = "127.0.0.1:7071";
  absl::Duration retention = absl::Hours(30 * 24);  // zero: for ever
  std::string log_level = "info";
};

// What the command line asks for: either options, or nothing more than the exit code after --help,
// --version or an error, which are printed.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_code = 0;
};
ParsedOptions ParseOptions(int argc, const char* const* argv);

}  // namespace leadline::collector
