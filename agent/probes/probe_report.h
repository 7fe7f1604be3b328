// What became of the probes: which are set and how, what is missing and why, and what they may use.
//
// Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leadline::agent::probes {

struct AlternativeReport {
  enum class State : uint8_t {
    kAttached,
    kVerified,  // loads, but a better one is attached (or nothing is, in a dry run)
    kRefused,   // `reason` says by whom and why
    kUntried,
  };
  std::string hook;
  std::string wants;  // the least kernel, and arguments where kernels differ in them
  State state = State::kUntried;
  std::string reason;
};

struct ProbeStatus {
  std::string name;
  std::string feeds;
  std::string attached_by;  // the hook; "" when the probe is missing
  std::vector<AlternativeReport> alternatives;

  bool attached() const { return !attached_by.empty(); }
};

struct MapReport {
  std::string name;
  uint32_t entries = 0;
  uint64_t bytes = 0;  // of the kernel's memory, over all CPUs
  bool is_ring = false;
  bool is_mapped = false;  // into this process, so that they are resident memory of it as well
};

struct ProbeReport {
  std::string kernel;
  uint32_t cpus = 0;  // possible ones
  std::vector<ProbeStatus> probes;
  std::vector<MapReport> maps;
  // The system call table: what it may take, and what that gave.
  uint64_t syscall_budget_bytes = 0;
  uint64_t syscall_table_bytes = 0;
  uint32_t syscall_rows = 0;
  int latency_schema = 0;
  uint32_t latency_buckets = 0;

  // As a table for people, several lines.
  std::string ToText() const;
};

}  // namespace leadline::agent::probes
