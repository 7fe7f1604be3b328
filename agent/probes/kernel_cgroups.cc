#include "agent/probes/kernel_cgroups.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "fmt/format.h"

#include "common/status_macros.h"

namespace leadline::agent::probes {
namespace {

// Ports whose listener is remembered on v1, where sockets do not know their cgroup themselves.
constexpr uint32_t kTcpListeners = 4096;

struct BtfFreer {
  void operator()(btf* types) const { btf__free(types); }
};

// Sets a `const volatile __u32` of the object; nothing where it has none of that name.
absl::Status SetConstant(bpf_object* object, std::string_view name, uint32_t value) {
  const btf* types = bpf_object__btf(object);
  bpf_map* map = bpf_object__find_map_by_name(object, ".rodata");
  const int section_id =
      types == nullptr ? -ENOENT : btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (map == nullptr || section_id < 0) return absl::OkStatus();
  const btf_type* section = btf__type_by_id(types, static_cast<uint32_t>(section_id));
  const btf_var_secinfo* variables = btf_var_secinfos(section);
  const btf_var_secinfo* end = variables + btf_vlen(section);
  const auto* variable = std::find_if(variables, end, [&](const btf_var_secinfo& one) {
    return btf__name_by_offset(types, btf__type_by_id(types, one.type)->name_off) == name;
  });
  if (variable == end) return absl::OkStatus();
  size_t bytes = 0;
  const auto* initial = static_cast<const char*>(bpf_map__initial_value(map, &bytes));
  std::string data(initial, bytes);
  int error = -EINVAL;
  if (variable->size == sizeof(value) && variable->offset + sizeof(value) <= bytes) {
    std::memcpy(data.data() + variable->offset, &value, sizeof(value));
    error = bpf_map__set_initial_value(map, data.data(), data.size());
  }
  if (error == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("BPF constant {}: cannot set it: {}", name, std::strerror(-error)));
}

}  // namespace

absl::StatusOr<KernelCgroups> FindKernelCgroups(const CgroupHierarchy& hierarchy) {
  KernelCgroups cgroups{.hierarchy = hierarchy.number};
  if (hierarchy.number == 0) return cgroups;
  const std::unique_ptr<btf, BtfFreer> types(btf__load_vmlinux_btf());
  const int32_t id = types == nullptr
                         ? -errno
                         : btf__find_by_name_kind(types.get(), "cgroup_subsys_id", BTF_KIND_ENUM);
  if (id >= 0) {
    const btf_type* subsystems = btf__type_by_id(types.get(), static_cast<uint32_t>(id));
    const std::string wanted = hierarchy.controller + "_cgrp_id";
    const auto* subsystem = btf_enum(subsystems);
    for (int i = 0; i < btf_vlen(subsystems); ++i, ++subsystem) {
      if (btf__name_by_offset(types.get(), subsystem->name_off) != wanted) continue;
      cgroups.controller = static_cast<uint32_t>(subsystem->val);
      return cgroups;
    }
  }
  return absl::NotFoundError(
      fmt::format("the kernel's BTF (/sys/kernel/btf/vmlinux) has no cgroup controller {}",
                  hierarchy.controller));
}

absl::Status ConfigureCgroups(bpf_object* object, const KernelCgroups& cgroups) {
  LL_RETURN_IF_ERROR(SetConstant(object, "cgroup_hierarchy", cgroups.hierarchy));
  LL_RETURN_IF_ERROR(SetConstant(object, "cgroup_controller", cgroups.controller));
  bpf_map* listeners = bpf_object__find_map_by_name(object, "tcp_listeners");
  if (cgroups.hierarchy == 0 || listeners == nullptr) return absl::OkStatus();
  const int error = bpf_map__set_max_entries(listeners, kTcpListeners);
  if (error == 0) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("BPF map tcp_listeners: cannot set its size: {}", std::strerror(-error)));
}

}  // namespace leadline::agent::probes
