// Classes of system calls: file, network, memory, process, wait, signal, ipc, other.
//
// The table is syscall_classes.def. Constant data; thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

#include "agent/probes/syscall_names.h"
#include "bpf/shared/process_totals.h"

namespace leadline::agent::probes {

struct SyscallClassRow {
  syscall_class id;
  std::string_view label;
  std::string_view calls;  // names, separated by blanks
};
absl::Span<const SyscallClassRow> SyscallClasses();

void ForEachCall(const SyscallClassRow& row, absl::FunctionRef<void(std::string_view)> visit);

// SYSCALL_CLASS_OTHER for a call that has no row.
syscall_class ClassOfSyscall(uint16_t nr, SyscallAbi abi);

// As a metric's label: "file", "network", ...
std::string_view SyscallClassName(syscall_class id);

}  // namespace leadline::agent::probes
