#include "agent/probes/syscall_names.h"

#include <sys/syscall.h>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

TEST(SyscallName, NamesByAbi) {
  EXPECT_EQ(SyscallName(SYS_openat, SyscallAbi::kNative), "openat");
  EXPECT_EQ(SyscallName(0, SyscallAbi::kNative), "read");
  EXPECT_EQ(SyscallName(20, SyscallAbi::kCompat), "getpid");
  EXPECT_EQ(SyscallName(0, SyscallAbi::kCompat), "restart_syscall");
}

TEST(SyscallName, NamesWhatHasNoName) {
  EXPECT_EQ(SyscallName(SYSCALL_NR_LIMIT - 1, SyscallAbi::kNative), "syscall_511");
  EXPECT_EQ(SyscallName(SYSCALL_NR_LIMIT, SyscallAbi::kNative), "unknown");
  EXPECT_EQ(SyscallName(SYSCALL_NR_UNKNOWN, SyscallAbi::kCompat), "unknown");
  EXPECT_EQ(SyscallName(SYSCALL_NR_OTHER, SyscallAbi::kNative), "~other");
}

}  // namespace
}  // namespace leadline::agent::probes
