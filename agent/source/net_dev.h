// Network counters of a network namespace, from /proc/PID/net/dev of a process in it.
//
// Bytes and packets since the interface was made. Source: proc(5).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "agent/source/file_reader.h"

namespace leadline::agent::source {

struct InterfaceCounters {
  std::string interface;
  uint64_t receive_bytes = 0;
  uint64_t receive_packets = 0;
  uint64_t receive_errors = 0;
  uint64_t receive_dropped = 0;
  uint64_t transmit_bytes = 0;
  uint64_t transmit_packets = 0;
  uint64_t transmit_errors = 0;
  uint64_t transmit_dropped = 0;

  bool operator==(const InterfaceCounters&) const = default;
};

// Every interface but the loopback, in the file's order. INVALID_ARGUMENT names the line that is
// not as documented.
absl::StatusOr<std::vector<InterfaceCounters>> ParseNetDev(std::string_view text);

absl::StatusOr<std::vector<InterfaceCounters>> ReadNetDev(int32_t pid, FileReader& reader);

// The inode number of a process' network namespace; NOT_FOUND when the process is gone,
// PERMISSION_DENIED when this process may not look into it.
absl::StatusOr<uint64_t> NetworkNamespace(int32_t pid);

}  // namespace leadline::agent::source
