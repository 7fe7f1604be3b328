// Names of system calls, from libseccomp's tables.
//
// Thread-safe; the views are valid for the life of the program.
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/shared/syscalls.h"

namespace leadline::agent::probes {

enum class SyscallAbi : uint8_t {
  kNative = SYSCALL_ABI_NATIVE,
  kCompat = SYSCALL_ABI_COMPAT,  // 32-bit
};

// "read", "openat", ...; "syscall_499" for a number that libseccomp does not know, "unknown" for
// SYSCALL_NR_UNKNOWN, "~other" for SYSCALL_NR_OTHER.
std::string_view SyscallName(uint16_t nr, SyscallAbi abi);

// The value of the metrics' label `abi`: "x86_64" or "i386"; on arm64 "aarch64" or "arm".
std::string_view SyscallAbiName(SyscallAbi abi);

}  // namespace leadline::agent::probes
