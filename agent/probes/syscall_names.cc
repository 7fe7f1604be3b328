#include "agent/probes/syscall_names.h"

#include <seccomp.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

struct Abi {
  uint32_t arch;  // libseccomp's number
  std::string_view name;
};
#if defined(__x86_64__)
constexpr Abi kNativeAbi = {SCMP_ARCH_X86_64, "x86_64"};
constexpr Abi kCompatAbi = {SCMP_ARCH_X86, "i386"};
#elif defined(__aarch64__)
constexpr Abi kNativeAbi = {SCMP_ARCH_AARCH64, "aarch64"};
constexpr Abi kCompatAbi = {SCMP_ARCH_ARM, "arm"};
#else
#error "the system calls of this processor are not known"
#endif

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
  static const Names& native = *new Names(Resolve(kNativeAbi.arch));
  static const Names& compat = *new Names(Resolve(kCompatAbi.arch));
  if (nr == SYSCALL_NR_OTHER) return "~other";
  if (nr >= SYSCALL_NR_LIMIT) return "unknown";
  return abi == SyscallAbi::kCompat ? compat[nr] : native[nr];
}

std::string_view SyscallAbiName(SyscallAbi abi) {
  return abi == SyscallAbi::kCompat ? kCompatAbi.name : kNativeAbi.name;
}

}  // namespace leadline::agent::probes
