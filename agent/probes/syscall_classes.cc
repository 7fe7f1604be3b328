#include "agent/probes/syscall_classes.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"

namespace leadline::agent::probes {
namespace {

constexpr SyscallClassRow kClassRows[] = {
#define LL_SYSCALL_CLASS(id, label, calls) {SYSCALL_CLASS_##id, label, calls},
#include "agent/probes/syscall_classes.def"
#undef LL_SYSCALL_CLASS
};
static_assert(std::size(kClassRows) == SYSCALL_CLASS_COUNT);

using ByName = absl::flat_hash_map<std::string_view, syscall_class>;

ByName MakeByName() {
  ByName by_name;
  for (const SyscallClassRow& row : kClassRows) {
    ForEachCall(row, [&](std::string_view call) { by_name[call] = row.id; });
  }
  return by_name;
}

}  // namespace

absl::Span<const SyscallClassRow> SyscallClasses() { return kClassRows; }

void ForEachCall(const SyscallClassRow& row, absl::FunctionRef<void(std::string_view)> visit) {
  for (std::string_view rest = row.calls; !rest.empty();) {
    const size_t end = std::min(rest.find(' '), rest.size());
    visit(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

syscall_class ClassOfSyscall(uint16_t nr, SyscallAbi abi) {
  static const ByName& by_name = *new ByName(MakeByName());
  const auto found = by_name.find(SyscallName(nr, abi));
  return found == by_name.end() ? SYSCALL_CLASS_OTHER : found->second;
}

std::string_view SyscallClassName(syscall_class id) {
  for (const SyscallClassRow& row : kClassRows) {
    if (row.id == id) return row.label;
  }
  return "other";
}

}  // namespace leadline::agent::probes
