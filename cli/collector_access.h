// Which collector the command speaks to, and how they prove themselves to each other.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "common/tls/client_files.h"

namespace CLI {
class App;
}

namespace leadline::cli {

struct CollectorAccess {
  std::string url = "http://127.0.0.1:7070";  // the scheme may be missing
  tls::ClientFiles files;
  bool insecure = false;  // a token may go in clear
};

// --collector, --ca, --cert, --key, --token-file, --insecure; `access` outlives the parsing.
void AddCollectorOptions(CLI::App& command, CollectorAccess& access);

// The URL with its scheme, which is https where files ask for TLS, and without a slash at its end.
// INVALID_ARGUMENT when it has no host or port 0, when a token would go in clear to another
// machine, or when files that need TLS are given with http.
absl::StatusOr<std::string> CollectorUrl(const CollectorAccess& access);

}  // namespace leadline::cli
