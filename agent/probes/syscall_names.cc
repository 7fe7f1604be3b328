#include "agent/probes/syscall_names.h"

#include <seccomp.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

using Names = std::array<std::string, SYSCALL_NR_LIMIT>;

Names Resolve(uint32_t arch) {
  Names names;
  for (int nr = 0; nr < SYSCALL_NR_LIMIT; ++nr) {
    const std::unique_ptr<char, decltype(&std::free)> name(
        seccomp_syscall_resolve_num_arch(arch, nr), &std::free);
    names[nr] = name ? name.get() : fmt::format("syscall_{}", nr);
  }
  return names;
}

}  // namespace

std::string_view SyscallName(uint16_t nr, SyscallAbi abi) {
  static const Names& native = *new Names(Resolve(SCMP_ARCH_X86_64));
  static const Names& compat = *new Names(Resolve(SCMP_ARCH_X86));
  if (nr == SYSCALL_NR_OTHER) return "~other";
  if (nr >= SYSCALL_NR_LIMIT) return "unknown";
  return abi == SyscallAbi::kCompat ? compat[nr] : native[nr];
}

std::string_view SyscallAbiName(SyscallAbi abi) {
  return abi == SyscallAbi::kCompat ? "i386" : "x86_64";
}

}  // namespace leadline::agent::probes
