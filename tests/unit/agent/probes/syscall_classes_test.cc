#include "agent/probes/syscall_classes.h"

#include <sys/syscall.h>

#include <set>
#include <string>

#include "absl/strings/str_split.h"
#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

std::set<std::string_view> ListedCalls() {
  std::set<std::string_view> calls;
  for (const SyscallClassRow& row : SyscallClasses()) {
    ForEachCall(row, [&](std::string_view call) {
      EXPECT_TRUE(calls.insert(call).second) << call << " is there twice";
    });
  }
  return calls;
}

TEST(SyscallClasses, NameOnlyCallsThatThereAre) {
  std::set<std::string_view> known;
  for (uint16_t nr = 0; nr < SYSCALL_NR_LIMIT; ++nr) {
    known.insert(SyscallName(nr, SyscallAbi::kNative));
    known.insert(SyscallName(nr, SyscallAbi::kCompat));
  }
  for (const std::string_view call : ListedCalls()) EXPECT_TRUE(known.contains(call)) << call;
}

// Those that no kernel since 5.8 has are left out.
TEST(SyscallClasses, AreOfEveryCall) {
  const std::set<std::string_view> gone = {
      "_sysctl",     "afs_syscall", "break", "create_module", "ftime",   "get_kernel_syms",
      "getpmsg",     "gtty",        "idle",  "lock",          "mpx",     "nfsservctl",
      "oldolduname", "olduname",    "prof",  "profil",        "putpmsg", "query_module",
      "security",    "stime",       "stty",  "tuxcall",       "ulimit",  "vm86",
      "vm86old",     "vserver"};
  const std::set<std::string_view> listed = ListedCalls();
  for (const SyscallAbi abi : {SyscallAbi::kNative, SyscallAbi::kCompat}) {
    for (uint16_t nr = 0; nr < SYSCALL_NR_LIMIT; ++nr) {
      const std::string_view call = SyscallName(nr, abi);
      if (call.starts_with("syscall_") || gone.contains(call)) continue;
      EXPECT_TRUE(listed.contains(call)) << call << " is of no class";
    }
  }
}

TEST(SyscallClasses, AreFoundByNumberAndAbi) {
  EXPECT_EQ(ClassOfSyscall(SYS_read, SyscallAbi::kNative), SYSCALL_CLASS_FILE);
  EXPECT_EQ(ClassOfSyscall(SYS_accept4, SyscallAbi::kNative), SYSCALL_CLASS_NETWORK);
  EXPECT_EQ(ClassOfSyscall(SYS_futex, SyscallAbi::kNative), SYSCALL_CLASS_WAIT);
  EXPECT_EQ(ClassOfSyscall(102, SyscallAbi::kCompat), SYSCALL_CLASS_NETWORK);  // socketcall
  EXPECT_EQ(ClassOfSyscall(SYSCALL_NR_LIMIT - 1, SyscallAbi::kNative), SYSCALL_CLASS_OTHER);
  EXPECT_EQ(SyscallClassName(SYSCALL_CLASS_IPC), "ipc");
  EXPECT_EQ(SyscallClassName(SYSCALL_CLASS_OTHER), "other");
}

}  // namespace
}  // namespace leadline::agent::probes
