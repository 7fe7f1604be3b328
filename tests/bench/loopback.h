// TCP sockets on loopback for the benchmarks. Errors name the call that failed.
#pragma once

#include <netinet/in.h>

#include "absl/status/statusor.h"

#include "common/fd.h"

namespace leadline::bench {

struct Listener {
  Fd fd;
  sockaddr_in address = {};
};
// On a port that was free.
absl::StatusOr<Listener> Listen();

absl::StatusOr<Fd> Connect(const sockaddr_in& address);
absl::StatusOr<Fd> Accept(const Listener& listener);

}  // namespace leadline::bench
