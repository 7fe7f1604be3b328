#include "agent/features/surroundings.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace leadline::agent {
namespace {

// The value of a line "Name:\tvalue" of /proc/PID/status; "" where there is none.
std::string Field(const std::string& status, const std::string& name) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    const size_t begin = line.find_first_not_of(" \t", name.size() + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The word in brackets of "none [integrity] confidentiality".
std::string Bracketed(const std::string& text) {
  const size_t open = text.find('[');
  const size_t close = text.find(']', open);
  if (open == std::string::npos || close == std::string::npos) return "";
  return text.substr(open + 1, close - open - 1);
}

// A command that no kernel has is EINVAL to whoever may call bpf() at all.
bool BpfCallIsRefused() {
  constexpr int kNoSuchCommand = 0x7fffffff;
  return syscall(SYS_bpf, kNoSuchCommand, nullptr, 0) < 0 && errno != EINVAL && errno != E2BIG;
}

bool MayUseBpf(const Surroundings& here) {
  return here.Has(Capability::kBpf) || here.Has(Capability::kSysAdmin);
}

}  // namespace

const char* CapabilityName(Capability capability) {
  switch (capability) {
    case Capability::kDacReadSearch:
      return "CAP_DAC_READ_SEARCH";
    case Capability::kSysPtrace:
      return "CAP_SYS_PTRACE";
    case Capability::kSysAdmin:
      return "CAP_SYS_ADMIN";
    case Capability::kPerfmon:
      return "CAP_PERFMON";
    case Capability::kBpf:
      return "CAP_BPF";
  }
  return "?";
}

Surroundings LookAround(const std::string& root) {
  Surroundings here;
  const std::string status = ReadText(root + "/proc/self/status");
  if (const std::string effective = Field(status, "CapEff"); !effective.empty()) {
    here.capabilities = std::strtoull(effective.c_str(), nullptr, 16);
  }
  here.seccomp_filter = Field(status, "Seccomp") == "2";
  here.bpf_call_refused = MayUseBpf(here) && BpfCallIsRefused();
  here.btf = access((root + "/sys/kernel/btf/vmlinux").c_str(), R_OK) == 0;
  here.lockdown = Bracketed(ReadText(root + "/sys/kernel/security/lockdown"));
  return here;
}

std::vector<Obstacle> ObstaclesToBpf(const Surroundings& here) {
  std::vector<Obstacle> obstacles;
  if (!here.Has(Capability::kSysAdmin)) {
    for (const Capability needed : {Capability::kBpf, Capability::kPerfmon}) {
      if (here.Has(needed)) continue;
      const std::string name = CapabilityName(needed);
      obstacles.push_back({name + " is missing", "start the agent as root or with " + name +
                                                     " (CAP_SYS_ADMIN on kernels before 5.8)"});
    }
  }
  if (here.bpf_call_refused) {
    obstacles.push_back(
        {here.seccomp_filter ? "a seccomp filter refuses bpf()" : "a security module refuses bpf()",
         here.seccomp_filter ? "use a seccomp profile that allows bpf(), as Unconfined does"
                             : "allow the agent bpf() in the policy of the machine"});
  }
  if (!here.btf) {
    obstacles.push_back({"the kernel's types are not in /sys/kernel/btf/vmlinux",
                         "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; in a container, mount "
                         "/sys/kernel/btf into it"});
  }
  if (here.lockdown == "confidentiality") {
    obstacles.push_back(
        {"the kernel is locked down for confidentiality, so no program may read its memory",
         "boot with lockdown=integrity"});
  }
  return obstacles;
}

}  // namespace leadline::agent
