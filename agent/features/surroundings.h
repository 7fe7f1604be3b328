// What the kernel and whoever started the agent let it do: capabilities, seccomp, BTF, lockdown.
//
// A plain value, read once at start. What cannot be read counts as allowed: then the kernel's own
// refusal tells. Sources: capabilities(7), proc_pid_status(5), seccomp(2), kernel_lockdown(7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leadline::agent {

// Bits as in linux/capability.h.
enum class Capability : uint8_t {
  kDacReadSearch = 2,
  kSysPtrace = 19,
  kSysAdmin = 21,
  kPerfmon = 38,
  kBpf = 39,
};
// As people write it: "CAP_BPF".
const char* CapabilityName(Capability capability);

struct Surroundings {
  uint64_t capabilities = ~uint64_t{0};  // effective ones
  bool seccomp_filter = false;
  bool bpf_call_refused = false;  // bpf() fails whatever is asked, although capabilities are there
  bool btf = true;
  std::string lockdown;  // "none", "integrity", "confidentiality"; "" where the kernel has no such

  bool Has(Capability capability) const {
    return (capabilities >> static_cast<unsigned>(capability) & 1) != 0;
  }
};

// Of this process. `root` comes before the paths; "" but in tests.
Surroundings LookAround(const std::string& root = "");

struct Obstacle {
  std::string problem;
  std::string mend;
};
// What stands in the way of BPF programs, as far as can be told before they are loaded; empty
// where nothing does. CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, as in the kernel.
std::vector<Obstacle> ObstaclesToBpf(const Surroundings& here);

}  // namespace leadline::agent
